"""One stage of a run brought up to date: whether it runs, why, and what it took."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.process.exits import InterruptedRunError
from pipeline.process.hardware import GIBIBYTE, peak_memory, reset_peak_memory
from pipeline.process.reporter import Reporter
from pipeline.registry.champion_copy import champion_news
from pipeline.runs.settings import RunSettings
from pipeline.stages.fingerprint import stage_fingerprint
from pipeline.stages.stage import Stage, StageContext
from pipeline.storage.atomic import replaced_folder
from pipeline.storage.done import changed_files, read_done, write_done
from pipeline.tracking.background import Delivery
from pipeline.tracking.journal import Status
from pipeline.tracking.stage_log import StageLog, close_below, log_kept


def cost_line(run: Path, stages: Sequence[Stage]) -> str:
    """Seconds of every stage, of all together, and the largest memory, in one line; kept stages as they once ran.

    Each stage has the memory of its own peak, so the largest is what the job needs.
    """
    seconds: dict[str, float] = {}
    memory: dict[str, int] = {}
    for stage in stages:
        done = read_done(run / stage.name)
        if done is not None:
            seconds[stage.name] = float(done.details.get("seconds", 0.0))
            memory[stage.name] = int(done.details.get("peak_memory", 0))
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    largest = max(memory, key=lambda name: memory[name], default="no stage")
    total, peak = sum(seconds.values()), memory.get(largest, 0) / GIBIBYTE
    return f"{total:.1f} s in all ({parts}); at most {peak:.2f} GiB ({largest})"


@dataclass(frozen=True)
class Step:
    """What bringing one stage up to date means: whether it runs, and why."""

    stage: Stage
    runs: bool
    reason: str


def planned_steps(run: Path, settings: RunSettings, stages: Sequence[Stage], *, force: str | None) -> list[Step]:
    """What `run_stages` would do and why; nothing is changed."""
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


def bring_up_to_date(
    run: Path,
    stage: Stage,
    settings: RunSettings,
    log: StageLog,
    stages: Sequence[Stage],
    *,
    force: str | None,
    reporter: Reporter,
    delivery: Delivery,
) -> None:
    """Run one stage if it is stale, keep it if it stands, and log either.

    Raises:
        InputError: bad input.
    """
    reason = _staleness(run, stage, settings, stages, force=force)
    child = log.child(stage.name, name=stage.name)
    child.tags({"harbor.level": "stage"})
    if reason is None:
        done = read_done(run / stage.name)
        log_kept(child, done)
        summary = done.details.get("summary", "") if done else ""
        said = f"  = {stage.name:<10} {'kept':>18}  {summary}".rstrip()
        reporter.say(said, event="stage_kept", stage=stage.name, message=summary)
        child.close("FINISHED")
        return
    status: Status = "FAILED"
    started = time.time()
    reset_peak_memory()
    try:
        child.tags({"harbor.outcome": "run", "harbor.reason": reason})
        delivery.before_stage()
        with reporter.stage(stage.name):
            summary = _run_stage(run, stage, settings, child, started, reason, reporter)
        status = "FINISHED"
        _say_finished(reporter, stage.name, time.time() - started, peak_memory(), summary)
    except (KeyboardInterrupt, InterruptedRunError):
        status = "KILLED"
        raise
    finally:
        close_below(child, status)
        child.metrics({"duration_seconds": time.time() - started, "peak_memory_bytes": peak_memory()})
        child.close(status)
        delivery.after_stage()


def _say_finished(reporter: Reporter, name: str, seconds: float, memory: int, summary: str) -> None:
    reporter.say(
        f"  ✓ {name:<10} {seconds:>6.1f} s {memory / GIBIBYTE:>5.2f} GiB  {summary}",
        event="stage_finished",
        stage=name,
        seconds=round(seconds, 3),
        peak_memory=memory,
        message=summary,
    )


def _run_stage(
    run: Path,
    stage: Stage,
    settings: RunSettings,
    log: StageLog,
    started: float,
    reason: str,
    reporter: Reporter,
) -> str:
    with replaced_folder(run / stage.name) as out:
        context = StageContext(stage, run, out, settings.config, settings.as_of, log, reporter)
        fingerprint = stage_fingerprint(run, stage, settings.config, settings.as_of)
        summary = stage.work(context)
        log.tags({"harbor.fingerprint": fingerprint.digest[:16]})
        write_done(
            out,
            fingerprint=fingerprint.digest,
            details={
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
            },
        )
    return summary


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
