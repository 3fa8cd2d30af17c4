"""The job that runs every night without a person: train as of a moment, judge, promote or not, tidy up.

One run folder per configuration and moment. The outcome is written last, so a job that was killed anywhere goes on
where it stopped, and one that was finished is told again without any work.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.times import time_name
from pipeline.process.reporter import Reporter
from pipeline.registry.champion_notices import champion_changes_told
from pipeline.registry.model_registry import CHAMPION, PREVIOUS, opened_registry
from pipeline.registry.promotion import promote_run, roll_back_refit
from pipeline.run import run_stages
from pipeline.runs.retention import remove_old_runs, remove_old_stored_runs
from pipeline.runs.settings import RunSettings, pinned_settings
from pipeline.runs.working_copy import bring_run, job_claimed, send_records
from pipeline.stages.artifacts.evaluate_report import GateReport, GateVerdict
from pipeline.stages.artifacts.refit_report import read_refit
from pipeline.stages.fingerprint import stage_fingerprint
from pipeline.stages.stage import Stage
from pipeline.storage.content import read_json, write_json
from pipeline.storage.done import changed_files, read_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held

OUTCOME = "retrain.json"


@dataclass(frozen=True)
class Retrained:
    """What a scheduled retrain came to.

    Attributes:
        folder: its run folder.
        passed: whether the gate passed.
        promoted: whether its model became champion, now or when it was first made.
        lines: what a person reads.
        removed: run folders that were too old to keep.
    """

    folder: Path
    passed: bool
    promoted: bool
    lines: tuple[str, ...]
    removed: tuple[str, ...] = ()


def retrain(name: str, settings: RunSettings, stages: Sequence[Stage], *, runs: Path, reporter: Reporter) -> Retrained:
    """Bring the run of a configuration and a moment up to date, promote it if its gate passed, remove old runs.

    Args:
        name: the configuration's name.
        settings: configuration and as-of time.
        stages: all stages, in order.
        runs: the folder of runs.
        reporter: where progress is told.

    Raises:
        LockedError: another retrain of this configuration is at work, or another job promoted meanwhile.
        InputError: bad input, or no as-of time.
    """
    if settings.as_of is None:
        raise InputError("a retrain needs a moment (--as-of): without one there is nothing it may not know")
    folder = retrain_folder(name, settings.as_of, runs=runs)
    settings = pinned_settings(settings)
    store = settings.config.runs.store
    with (
        champion_changes_told(settings.config, runs=runs, warn=reporter.warn),
        held(runs / f".{name}.lock", f"another retrain of {name} is at work in {runs}"),
        job_claimed(store, f"retrain-{name}", runs=runs),
    ):
        bring_run(folder, store, [stage.name for stage in stages])
        outcome = _settled(folder, settings, stages)
        if outcome is None:
            began = time.time_ns() // 1000
            run_stages(folder, settings, stages, force=None, reporter=reporter)
            outcome = _promoted(folder, settings, began=began)
            write_json(folder / OUTCOME, outcome)
            send_records(folder, store)
        else:
            reporter.say(f"  = {folder.name} stands; nothing to do")
        return Retrained(
            folder,
            outcome["passed"],
            outcome["promoted"],
            tuple(outcome["lines"]),
            _removed(runs, name, folder, settings),
        )


def retrain_folder(name: str, as_of: int, *, runs: Path) -> Path:
    """The run folder of a configuration's name and a moment (microseconds since 1970)."""
    return runs / f"{name}-{time_name(as_of)}"


def _settled(folder: Path, settings: RunSettings, stages: Sequence[Stage]) -> dict[str, Any] | None:
    """The outcome of a retrain that was finished, where its inputs, configuration, code and files still stand.

    The champion of that day counts, not today's: a retrain is judged once.
    """
    if not (folder / OUTCOME).is_file():
        return None
    for stage in stages:
        done = read_done(folder / stage.name)
        now = stage_fingerprint(folder, stage, settings.config, settings.as_of)
        if done is None or done.fingerprint != now.digest or changed_files(folder / stage.name, done):
            return None
    found: dict[str, Any] = read_json(folder / OUTCOME)
    return found


def _promoted(folder: Path, settings: RunSettings, *, began: int) -> dict[str, Any]:
    outcome = _promotion(folder, settings, began=began)
    if not outcome["promoted"] and settings.config.tracking.enabled:
        outcome["lines"] += _rolled_back(folder, settings)
    return outcome


def _rolled_back(folder: Path, settings: RunSettings) -> list[str]:
    """What was done about a refit in use that was shown to be worse than its judged twin; nothing where none was."""
    told = folder / "refit"
    found = read_refit(told).refit_in_use if (told / "report.json").is_file() else None
    if found is None or not found.worse:
        return []
    reason = (
        f"The refit of version {found.champion} was shown to be worse than its judged twin on {found.frauds:,} frauds "
        f"of {found.days} days that neither had seen: log loss {found.value:+.5f} ({found.low:+.5f} to "
        f"{found.high:+.5f})."
    )
    outcome = roll_back_refit(folder, settings.config, champion=found.champion, reason=reason)
    return [] if outcome is None else [f"rolled back: {outcome.lines[0]}", f"  {reason}"]


def _promotion(folder: Path, settings: RunSettings, *, began: int) -> dict[str, Any]:
    gate = GateReport.read(folder / "evaluate" / "report.json").gate
    newer = _newer_champion(folder, settings)
    if not settings.config.tracking.enabled:
        return _outcome(gate, promoted=False, lines=["nothing is promoted: tracking is off, and the registry with it"])
    if newer is not None and gate.passed:
        return _outcome(gate, promoted=False, lines=[newer])
    outcome = promote_run(folder, settings.config, began=began)
    return _outcome(gate, promoted=outcome.champion == outcome.version, lines=outcome.lines)


def _outcome(gate: GateVerdict, *, promoted: bool, lines: list[str]) -> dict[str, Any]:
    remedies = [] if gate.passed else [f"  → {remedy}" for remedy in gate.remedies if remedy]
    told = {"reasons": list(gate.reasons), "remedies": list(gate.remedies), "lines": [*lines, *remedies]}
    return {"passed": gate.passed, "promoted": promoted, **told}


def _newer_champion(folder: Path, settings: RunSettings) -> str | None:
    """Why a retrain of the past is not promoted: what is in production knows more than it does."""
    path = folder / "champion" / "bundle" / "manifest.json"
    champion = read_json(path).get("run", {}).get("as_of") if path.is_file() else None
    assert settings.as_of is not None
    if champion is None or champion <= settings.as_of:
        return None
    return f"not promoted: the champion was trained as of {time_name(champion)}, later than this run"


def _removed(runs: Path, name: str, folder: Path, settings: RunSettings) -> tuple[str, ...]:
    config = settings.config
    manifests: set[str] = set()
    if config.tracking.enabled:
        with opened_registry(config.tracking, name=config.registry.name, runs=runs) as registry:
            aliased = registry.aliased()
        manifests = {aliased[alias].manifest for alias in (CHAMPION, PREVIOUS) if alias in aliased}
    keep = config.runs.keep
    gone = remove_old_runs(runs, name, keep=keep, current=folder, in_production=manifests)
    if not config.runs.store or (config.tracking.enabled and not config.tracking.uri):
        return gone  # the registry beside the runs of one machine does not know what the others have in production
    stored = remove_old_stored_runs(config.runs.store, name, keep=keep, current=folder, in_production=manifests)
    return tuple(sorted({*gone, *stored}))
