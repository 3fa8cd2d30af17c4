"""A run is a folder; running it is bringing its six stages up to date, in order."""

import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.process.exits import InterruptedRunError
from pipeline.process.reporter import Reporter
from pipeline.registry.champion_copy import bring_champion
from pipeline.runs.run_log import opened_log
from pipeline.runs.settings import RunSettings, read_settings, resolved_settings
from pipeline.runs.steps import bring_up_to_date
from pipeline.runs.working_copy import mirrored
from pipeline.stages.stage import Stage
from pipeline.storage.atomic import restore_interrupted, working_folder
from pipeline.storage.content import write_json
from pipeline.storage.done import changed_files, read_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held
from pipeline.tracking.background import Delivery
from pipeline.tracking.journal import Journal, Status
from pipeline.tracking.replay import Replay, replay
from pipeline.tracking.stage_log import close_interrupted

SYNC_PAUSES = (0.5, 1.0, 2.0, 4.0)


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
