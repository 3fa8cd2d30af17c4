"""One stage of a run brought up to date: whether it runs, why, and what is said of it."""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.process.hardware import GIBIBYTE, peak_memory, reset_peak_memory
from pipeline.process.reporter import Reporter
from pipeline.registry.champion_copy import champion_news
from pipeline.runs.run_log import closed_log
from pipeline.runs.settings import RunSettings, pinned_settings
from pipeline.stages.fingerprint import stage_fingerprint
from pipeline.stages.stage import Stage, StageContext
from pipeline.storage.atomic import replaced_folder
from pipeline.storage.done import changed_files, read_done, write_done
from pipeline.tracking.background import Delivery
from pipeline.tracking.stage_log import StageLog, log_kept


@dataclass(frozen=True)
class Job:
    """What bringing the stages of a run up to date works with.

    Attributes:
        run: the run folder.
        settings: what the run was asked for.
        stages: all stages, in order.
        force: name of a stage to run again, and what follows it; None for none.
        log: the log of the whole run.
        reporter: where progress is told.
        delivery: what sends the journal on its way.
    """

    run: Path
    settings: RunSettings
    stages: Sequence[Stage]
    force: str | None
    log: StageLog
    reporter: Reporter
    delivery: Delivery


@dataclass(frozen=True)
class Step:
    """What bringing one stage up to date means: whether it runs, and why."""

    stage: Stage
    runs: bool
    reason: str


def planned_steps(run: Path, settings: RunSettings, stages: Sequence[Stage], *, force: str | None) -> list[Step]:
    """What `run_stages` would do and why; nothing is changed."""
    settings = pinned_settings(settings)
    steps: list[Step] = []
    cause: str | None = None
    for stage in stages:
        if cause is not None and stage.reads:
            steps.append(Step(stage, True, f"follows {cause}, unless its files come out the same"))
            continue
        reason = _staleness(run, stage, settings, stages, force=force)
        if reason is None and stage.follows_champion(settings.config):
            reason = champion_news(run, settings.config)
        steps.append(Step(stage, reason is not None, reason or "up to date"))
        cause = stage.name if reason is not None else None
    return steps


def bring_up_to_date(job: Job, stage: Stage) -> None:
    """Run one stage if it is stale, keep it if it stands, and log either.

    Raises:
        InputError: bad input.
    """
    reason = _staleness(job.run, stage, job.settings, job.stages, force=job.force)
    names = [each.name for each in job.stages]
    log = job.log.child(stage.name, name=stage.name)
    log.tags({"harbor.level": "stage"})
    if reason is None:
        _keep(job, stage, log)
        return
    try:
        with closed_log(log), _measured(log) as started:
            log.tags({"harbor.outcome": "run", "harbor.reason": reason})
            job.delivery.before_stage()
            with job.reporter.stage(stage.name, f"stage {names.index(stage.name) + 1} of {len(names)}"):
                summary = _run_stage(job, stage, log, started, reason)
            _say_finished(job.reporter, stage.name, time.time() - started, peak_memory(), summary)
    finally:
        job.delivery.after_stage()


def _keep(job: Job, stage: Stage, log: StageLog) -> None:
    done = read_done(job.run / stage.name)
    log_kept(log, done)
    summary = done.details.get("summary", "") if done else ""
    line = f"  = {stage.name:<10} {'kept':>18}  {summary}".rstrip()
    job.reporter.say(line, event="stage_kept", stage=stage.name, message=summary)
    log.close("FINISHED")


@contextmanager
def _measured(log: StageLog) -> Iterator[float]:
    """When a stage began, in seconds since 1970; what it took is logged however it ends."""
    started = time.time()
    reset_peak_memory()
    try:
        yield started
    finally:
        log.metrics({"duration_seconds": time.time() - started, "peak_memory_bytes": peak_memory()})


def _run_stage(job: Job, stage: Stage, log: StageLog, started: float, reason: str) -> str:
    """What the stage says of itself; its folder takes the place of the old one with DONE in it."""
    config, as_of = job.settings.config, job.settings.as_of
    with replaced_folder(job.run / stage.name) as out:
        fingerprint = stage_fingerprint(job.run, stage, config, as_of)
        summary = stage.work(StageContext(stage, job.run, out, config, as_of, log, job.reporter))
        log.tags({"harbor.fingerprint": fingerprint.digest[:16]})
        details = {
            "stage": stage.name,
            "summary": summary,
            "reason": reason,
            "parts": fingerprint.parts,
            "started": started,
            "seconds": round(time.time() - started, 3),
            "peak_memory": peak_memory(),
            "host": platform.node(),
            "process": os.getpid(),
            "mlflow_key": log.key,
        }
        write_done(out, fingerprint=fingerprint.digest, details=details)
    return summary


def _say_finished(reporter: Reporter, name: str, seconds: float, memory: int, summary: str) -> None:
    reporter.say(
        f"  ✓ {name:<10} {seconds:>6.1f} s {memory / GIBIBYTE:>5.2f} GiB  {summary}",
        event="stage_finished",
        stage=name,
        seconds=round(seconds, 3),
        peak_memory=memory,
        message=summary,
    )


def _staleness(
    run: Path, stage: Stage, settings: RunSettings, stages: Sequence[Stage], *, force: str | None
) -> str | None:
    """Why a stage must run, or None where what it left still stands."""
    names = [item.name for item in stages]
    if force is not None and names.index(stage.name) >= names.index(force):
        return "forced" if stage.name == force else f"follows {force}, which was forced"
    folder = run / stage.name
    done = read_done(folder)
    if done is None:
        return "has not finished yet"
    fingerprint = stage_fingerprint(run, stage, settings.config, settings.as_of)
    if fingerprint.digest != done.fingerprint:
        return fingerprint.difference(done.details.get("parts", {}))
    changed = changed_files(folder, done)
    return f"changed since it finished: {', '.join(changed)}" if changed else None
