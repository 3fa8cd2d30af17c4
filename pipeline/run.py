"""A run is a folder; running it is bringing its six stages up to date, in order."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config
from pipeline.process.exits import InterruptedRunError
from pipeline.process.hardware import GIBIBYTE, peak_memory, reset_peak_memory
from pipeline.process.reporter import Reporter
from pipeline.registry.champion_copy import bring_champion, champion_news
from pipeline.run_log import opened_log
from pipeline.stages.fingerprint import library_versions, stage_fingerprint
from pipeline.stages.stage import Stage, StageContext
from pipeline.storage.atomic import replaced_folder, restore_interrupted, working_folder
from pipeline.storage.content import read_json, write_json
from pipeline.storage.done import changed_files, read_done, write_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held
from pipeline.tracking.background import Delivery
from pipeline.tracking.journal import Journal, Status
from pipeline.tracking.replay import Replay, replay
from pipeline.tracking.stage_log import StageLog, close_below, close_interrupted, log_kept
from pipeline.working_copy import mirrored

SYNC_PAUSES = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Step:
    """What bringing one stage up to date means: whether it runs, and why."""

    stage: Stage
    runs: bool
    reason: str


@dataclass(frozen=True)
class RunSettings:
    """What a run was asked for: its resolved configuration and the moment it may know (µs since 1970, or None)."""

    config: Config
    as_of: int | None


def kept_in(settings: RunSettings, store: str) -> RunSettings:
    """The same settings, the run kept in another store too; an empty one leaves them as they are."""
    if not store:
        return settings
    runs = settings.config.runs.model_copy(update={"store": store})
    return RunSettings(settings.config.model_copy(update={"runs": runs}), settings.as_of)


def run_stages(
    run: Path,
    settings: RunSettings,
    stages: Sequence[Stage],
    *,
    force: str | None,
    reporter: Reporter,
    only: str | None = None,
) -> None:
    """Bring the stages of a run folder up to date; a stage whose inputs, configuration and code stand is kept.

    Args:
        run: the run folder, made if it is not there.
        settings: resolved configuration and as-of time; written to config.json.
        stages: all stages, in order.
        force: name of a stage to run again, and what follows it.
        reporter: where progress is told.
        only: name of the one stage to bring up to date; those before it must have finished.

    Raises:
        LockedError: another job works in this folder, or on this run in its store.
        InputError: bad input; what the folder held before is untouched.
    """
    working_folder(run)
    with (
        held(run / ".lock", f"another job is working in {run}"),
        mirrored(run, settings.config.runs.store, _touched(stages, only), reporter=reporter) as mirror,
    ):
        restore_interrupted(run)
        journal = Journal(run / "journal.jsonl")
        close_interrupted(journal)
        resolved = resolved_settings(settings)
        write_json(run / "config.json", resolved)
        log = opened_log(run, journal, resolved, config=settings.config)
        delivery = Delivery(run, settings.config.tracking, reporter=reporter)
        status: Status = "FAILED"
        try:
            if any(stage.follows_champion(settings.config) and only in (None, stage.name) for stage in stages):
                bring_champion(run, settings.config, reporter)
            for stage in stages:
                if stage.name == only:
                    _check_read_stages(run, stage)
                if only is None or stage.name == only:
                    bring_up_to_date(
                        run, stage, settings, log, stages, force=force, reporter=reporter, delivery=delivery
                    )
                    mirror.send_stage(stage.name)
            status = "FINISHED"
        except (KeyboardInterrupt, InterruptedRunError):
            status = "KILLED"
            raise
        finally:
            log.close(status)
            delivery.at_end()


def send_journal(run: Path) -> Replay:
    """Send what the journal of a run holds and MLflow has not taken; a failure is tried again a few times.

    Raises:
        LockedError: a job works in this folder, and sends its records itself.
        InputError: it is no run folder.
    """
    tracking = read_settings(run).config.tracking
    sent = refused = idle = 0
    with held(run / ".lock", f"another job is working in {run}"):
        close_interrupted(Journal(run / "journal.jsonl"))
        while True:
            outcome = replay(run, tracking)
            sent, refused = sent + outcome.sent, refused + outcome.refused
            idle = 0 if outcome.sent else idle + 1
            if not outcome.pending or idle > len(SYNC_PAUSES):
                break
            time.sleep(SYNC_PAUSES[max(idle - 1, 0)])
    return Replay(sent, outcome.pending, refused, outcome.problem)


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


def resolved_settings(settings: RunSettings) -> dict[str, object]:
    """The content of config.json: configuration, as-of time, seeds and versions; the same for the same run."""
    config = settings.config
    return {
        "as_of": settings.as_of,
        "seeds": {"data": config.data.seed, "train": config.train.seed},
        "versions": library_versions(),
        "config": config.model_dump(mode="json"),
    }


def read_settings(run: Path) -> RunSettings:
    """The settings a run folder was made with.

    Raises:
        InputError: the folder holds no readable config.json.
    """
    path = run / "config.json"
    if not path.is_file():
        raise InputError(f"{run} must be a run folder, but it holds no config.json")
    content = read_json(path)
    try:
        as_of = content["as_of"]
        if not isinstance(as_of, int | None):
            raise TypeError("as_of must be microseconds since 1970 or null")
        return RunSettings(Config.model_validate(content["config"]), as_of)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} must hold a run's settings, but it does not: {error}") from error


def _touched(stages: Sequence[Stage], only: str | None) -> list[str]:
    """The stages whose files a job needs: all, or those that the one stage reads and itself."""
    names = [name for stage in stages if only in (None, stage.name) for name in (*stage.reads, stage.name)]
    return list(dict.fromkeys(names))


def _check_read_stages(run: Path, stage: Stage) -> None:
    """What a stage reads must have finished and be as it was left; a run of all stages would make it again."""
    finished = {name: read_done(run / name) for name in stage.reads}
    missing = [name for name, done in finished.items() if done is None]
    if missing:
        raise InputError(f"{stage.name} needs {', '.join(missing)} to have finished in {run}, but there is no DONE")
    changed = [f"{name}/{each}" for name, done in finished.items() if done for each in changed_files(run / name, done)]
    if changed:
        raise InputError(f"{stage.name} needs what it reads in {run} as it was left, but changed: {', '.join(changed)}")


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
