"""A run is a folder; running it is bringing its seven stages up to date, in order."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.process.reporter import Reporter
from pipeline.registry.champion_copy import bring_champion
from pipeline.runs.run_log import closed_log, opened_log
from pipeline.runs.settings import RunSettings, pinned_settings, read_settings, resolved_settings
from pipeline.runs.steps import Job, bring_up_to_date
from pipeline.runs.working_copy import held_in_store
from pipeline.stages.stage import Stage
from pipeline.storage.atomic import restore_interrupted
from pipeline.storage.content import write_json
from pipeline.storage.done import changed_files, read_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held
from pipeline.tracking.background import Delivery
from pipeline.tracking.journal import Journal
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
    settings = pinned_settings(settings)
    asked_for = [stage for stage in stages if only in (None, stage.name)]
    for stage in asked_for:
        stage.check(settings.config)
    with (
        held(run / ".lock", f"another job is working in {run}"),
        held_in_store(run, settings.config.runs.store, _touched(asked_for), reporter=reporter) as stored,
        _opened_job(run, settings, stages, force=force, reporter=reporter) as job,
    ):
        if any(stage.follows_champion(settings.config) for stage in asked_for):
            bring_champion(run, settings.config, reporter)
        for stage in asked_for:
            if only is not None:
                _check_read_stages(run, stage)
            bring_up_to_date(job, stage)
            stored.send_stage(stage.name)


def send_journal(run: Path) -> Replay:
    """Send what the journal of a run holds and MLflow has not taken; a failure is tried again a few times.

    Raises:
        LockedError: a job works in this folder, and sends its records itself.
        InputError: it is no run folder.
    """
    tracking = read_settings(run).config.tracking
    sent = refused = fruitless = 0
    with held(run / ".lock", f"another job is working in {run}"):
        close_interrupted(Journal(run / "journal.jsonl"))
        while True:
            outcome = replay(run, tracking)
            sent, refused = sent + outcome.sent, refused + outcome.refused
            fruitless = 0 if outcome.sent else fruitless + 1
            if not outcome.pending or fruitless > len(SYNC_PAUSES):
                break
            time.sleep(SYNC_PAUSES[max(fruitless - 1, 0)])
    return Replay(sent, outcome.pending, refused, outcome.problem)


def _touched(asked_for: Sequence[Stage]) -> list[str]:
    """Names of the stages whose files a job needs: those asked for, and those that they read."""
    return list(dict.fromkeys(name for stage in asked_for for name in (*stage.reads, stage.name)))


@contextmanager
def _opened_job(
    run: Path, settings: RunSettings, stages: Sequence[Stage], *, force: str | None, reporter: Reporter
) -> Iterator[Job]:
    """The job, what an earlier one left half done put right before it and the journal sent after it."""
    restore_interrupted(run)
    journal = Journal(run / "journal.jsonl")
    close_interrupted(journal)
    resolved = resolved_settings(settings)
    write_json(run / "config.json", resolved)
    log = opened_log(run, journal, resolved, config=settings.config)
    delivery = Delivery(run, settings.config.tracking, reporter=reporter)
    try:
        with closed_log(log):
            yield Job(run, settings, stages, force, log, reporter, delivery)
    finally:
        delivery.at_end()


def _check_read_stages(run: Path, stage: Stage) -> None:
    """What a stage reads must have finished and be as it was left; a run of all stages would make it again."""
    finished = {name: read_done(run / name) for name in stage.reads}
    missing = [name for name, done in finished.items() if done is None]
    if missing:
        raise InputError(f"{stage.name} needs {', '.join(missing)} to have finished in {run}, but there is no DONE")
    changed = [f"{name}/{each}" for name, done in finished.items() if done for each in changed_files(run / name, done)]
    if changed:
        raise InputError(f"{stage.name} needs what it reads in {run} as it was left, but changed: {', '.join(changed)}")
