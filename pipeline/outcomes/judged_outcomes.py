"""A deployed bundle judged on outcomes that arrived later."""

import errno
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.report.json_values import json_values
from evaluation.report.outcomes_section import outcomes_report
from evaluation.statistics.confidence_sequence import watched_difference
from pipeline.bundle.manifest import MANIFEST, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.bundle.twin import TWIN, Twin, twin_of
from pipeline.config import Config
from pipeline.outcomes.outcome_rows import Outcomes, scored_outcomes
from pipeline.process.hardware import cpu_threads
from pipeline.storage.content import write_json
from pipeline.storage.digests import sha256_file
from pipeline.storage.errors import InputError

CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What a place says where nothing may be written."""


@dataclass(frozen=True)
class JudgedOutcomes:
    """The content of a report on outcomes, and the file that holds it."""

    report: Mapping[str, Any]
    place: Path


def judge_outcomes(bundle: Path, outcomes: Path, config: Config) -> JudgedOutcomes:
    """What `outcomes_judgement` says, written beside the file: its name with `.report.json` in place of the suffix."""
    report = outcomes_judgement(bundle, outcomes, config)
    return JudgedOutcomes(report, write_judgement(report, place_beside(outcomes)))


def place_beside(outcomes: Path) -> Path:
    """Where the report of an outcome file is written unless another place is named."""
    return outcomes.with_name(f"{outcomes.stem}.report.json")


def write_judgement(report: Mapping[str, Any], place: Path) -> Path:
    """Write a report and give its place back.

    Raises:
        InputError: nothing may be written there: another place must be named.
    """
    try:
        write_json(place, report)
    except OSError as error:
        if error.errno not in CLOSED:
            raise
        raise InputError(
            f"{place}: the report cannot be written there ({error.strerror}); name a place with --out"
        ) from None
    return place


def outcomes_judgement(bundle: Path, outcomes: Path, config: Config) -> dict[str, Any]:
    """Score a file's rows with a bundle and judge the probabilities where the outcome is known; nothing is written.

    Args:
        bundle: the deployed bundle; its files are checked first.
        outcomes: .parquet, .csv or .jsonl with `label` (0, 1 or empty: not known) and either the graph's columns or
            the `probability` that the bundle gave, and `judged` where it has a judged twin; `event_time`, `amount`,
            `card_id`, `action` (or the older `blocked`, 0 or 1), `label_source` and `approval_probability` may follow.
        config: [evaluation] says how to judge, train.seed draws.

    Raises:
        InputError: the bundle or the file is not as it must be.
    """
    checked = checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    scored = scored_outcomes(
        outcomes, loaded_scorer(checked), labels=config.labels, threads=cpu_threads(config.train.threads)
    )
    candidate = str(checked.manifest["candidate"])
    report = outcomes_report(
        scored.rows,
        scored.probabilities,
        config=config.evaluation,
        rng=np.random.default_rng(config.train.seed),
        blocked=scored.blocked,
        policy=scored.policy,
        name=candidate,
    )
    if not scored.timed:
        report["population"] |= {"from": None, "to": None}
    report["warnings"] = [*report["warnings"], *scored.remarks, *_rows_seen_in_training(scored, checked.manifest)]
    whole = {
        "bundle": {"manifest": sha256_file(bundle / MANIFEST), "candidate": candidate},
        "outcomes": {"file": outcomes.name, "sha256": sha256_file(outcomes)},
        **report,
    }
    twin = twin_of(checked.manifest)
    return whole if twin is None else whole | {"refit": refit_against_twin(scored, twin)}


def refit_against_twin(scored: Outcomes, twin: Twin) -> dict[str, Any]:
    """The refit that ships against its judged twin on rows that neither had seen, with limits that hold on all days.

    `verdict` is "worse", "better" or "open": a retrain goes back to the twin at the first.
    """
    if not scored.timed or scored.judged is None:
        lacking = "event_time" if not scored.timed else TWIN
        return {"verdict": "open", "reason": f"the refit cannot be compared with its twin: the file has no {lacking}"}
    rows = scored.rows
    later = rows.event_time > max(twin.judged_seen_until, twin.shipped_seen_until)
    used = later & np.isfinite(rows.labels) & ~scored.blocked
    found = watched_difference(
        rows.labels[used],
        scored.probabilities[used],
        scored.judged[used],
        event_time=rows.event_time[used],
        weight=None if rows.weight is None else rows.weight[used],
    )
    verdict = "worse" if found.worse else "better" if found.better else "open"
    return {"verdict": verdict, "log_loss": json_values(asdict(found))}


def _rows_seen_in_training(scored: Outcomes, manifest: Mapping[str, Any]) -> list[str]:
    """A remark where rows are not later than what the bundle learned from."""
    seen = manifest.get("seen_until_microseconds")
    rows = int((scored.rows.event_time <= seen).sum()) if scored.timed and isinstance(seen, int) else 0
    if not rows:
        return []
    return [
        f"{rows:,} rows are not later than {manifest.get('seen_until')}, the last event that a fit of the bundle saw: "
        "on those the numbers flatter it"
    ]
