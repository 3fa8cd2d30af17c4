"""A deployed bundle judged on outcomes that arrived later."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.report.expectation import SCORE, expectation_from
from evaluation.report.json_values import json_values
from evaluation.report.monitoring_section import Monitored, monitoring_section, span_days
from evaluation.report.outcomes_section import outcomes_report
from evaluation.statistics.confidence_sequence import watched_difference
from evaluation.statistics.percentiles import Interval
from evaluation.statistics.scores import log_loss, observed_expected
from pipeline.bundle.manifest import MANIFEST, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.bundle.twin import TWIN, Twin, twin_of
from pipeline.config import Config
from pipeline.outcomes.outcome_folder import named_outcomes, outcome_files
from pipeline.outcomes.outcome_rows import Outcomes, pooled, scored_outcomes
from pipeline.outcomes.written_judgement import place_beside, write_judgement
from pipeline.process.hardware import cpu_threads
from pipeline.storage.digests import sha256_file


@dataclass(frozen=True)
class JudgedOutcomes:
    """The content of a report on outcomes, and the file that holds it."""

    report: Mapping[str, Any]
    place: Path


def judge_outcomes(bundle: Path, outcomes: Path, config: Config) -> JudgedOutcomes:
    """What `outcomes_judgement` says, written beside the file: its name with `.report.json` in place of the suffix."""
    report = outcomes_judgement(bundle, outcomes, config)
    return JudgedOutcomes(report, write_judgement(report, place_beside(outcomes)))


def outcomes_judgement(bundle: Path, outcomes: Path, config: Config) -> dict[str, Any]:
    """Score rows with a bundle, judge the probabilities where the outcome is known, and hold them against the limits.

    Nothing is written.

    Args:
        bundle: the deployed bundle; its files are checked first.
        outcomes: .parquet, .csv or .jsonl with `label` (0, 1 or empty: not known) and either the graph's columns or
            the `probability` that the bundle gave, and `judged` where it has a judged twin; `event_time`, `amount`,
            `card_id`, `action` (or the older `blocked`, 0 or 1), `label_source` and `approval_probability` may follow.
            Or a folder of such files, as a day after the other leaves them.
        config: [evaluation] says how to judge, [monitoring] when it is an alarm, train.seed draws.

    Raises:
        InputError: the bundle or a file is not as it must be.
    """
    checked = checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    scorer, threads = loaded_scorer(checked), cpu_threads(config.train.threads)
    files = outcome_files(outcomes)
    parts = [scored_outcomes(path, scorer, labels=config.labels, threads=threads) for path in files]
    scored = pooled(parts)
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
        "outcomes": named_outcomes(outcomes, files),
        **report,
        "monitoring": json_values(_monitoring(scored, report, checked.manifest, config)),
    }
    if len(files) > 1:
        whole["files"] = [file_numbers(path.name, part) for path, part in zip(files, parts, strict=True)]
    twin = twin_of(checked.manifest)
    return whole if twin is None else whole | {"refit": refit_against_twin(scored, twin)}


def file_numbers(name: str, part: Outcomes) -> dict[str, Any]:
    """What one file of several shows, without intervals: a day is too short for them."""
    known = np.isfinite(part.rows.labels) & ~part.blocked
    rows, promised = part.rows.where(known), part.probabilities[known]
    found = known.any()
    numbers: dict[str, Any] = json_values(
        {
            "file": name,
            "rows": int(known.size),
            "known": int(known.sum()),
            "frauds": int(rows.labels.sum()),
            "promised": float(promised.sum()),
            "observed_expected": observed_expected(rows.labels, promised, weight=rows.weight) if found else None,
            "log_loss": log_loss(rows.labels, promised, weight=rows.weight) if found else None,
        }
    )
    return numbers


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


def _monitoring(
    scored: Outcomes, report: Mapping[str, Any], manifest: Mapping[str, Any], config: Config
) -> dict[str, Any]:
    """The verdict; what the bundle led to expect was said of its judged model, so that one's score is compared."""
    known = np.isfinite(scored.rows.labels) & ~scored.blocked
    values = manifest.get("expectation")
    score = scored.probabilities if scored.judged is None else scored.judged
    metrics = report["metrics"]
    found = Monitored(
        known=scored.rows.where(known),
        promised=scored.probabilities[known],
        observed_expected=_interval(metrics["observed_expected"]),
        log_loss=_interval(metrics["log_loss"]),
        let_through=int((~scored.blocked).sum()),
        columns={**scored.columns, SCORE: score},
        days=span_days(scored.rows.event_time) if scored.timed else 0.0,
    )
    return monitoring_section(
        found,
        expectation_from(values) if isinstance(values, Mapping) else None,
        config=config.monitoring,
        evaluation=config.evaluation,
        rng=np.random.default_rng([config.train.seed, 1]),
    )


def _interval(record: Mapping[str, Any]) -> Interval:
    value, low, high = (float("nan") if record[key] is None else float(record[key]) for key in ("value", "low", "high"))
    return Interval(value, low, high)


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
