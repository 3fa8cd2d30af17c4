"""The report's `drift`: whether the newest rows still look like those the model learned from.

Columns, scores, categories and the prevalence are compared. None of it needs a label but the prevalence, and that one
is read with the delay of labels taken into account: the newest rows look honest only because their frauds have not
been reported yet.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.options import DriftConfig
from evaluation.report.detector_section import detector_metrics
from evaluation.statistics.label_delay import DelayedPrevalence, delayed_prevalence
from evaluation.statistics.sample import Floats, Integers
from evaluation.statistics.stability import Stability, category_stability, numeric_stability

FEWEST_FRAUDS = 20
"""Frauds, counted as of equal weight, below which the newest rows' prevalence is shown and raises no alarm."""


@dataclass(frozen=True)
class ColumnPopulation:
    """Rows as drift looks at them.

    Attributes:
        name: whose rows they are.
        numeric: columns by name [N], NaN where missing.
        categorical: codes by column [N], 0 where the encoder does not know the value.
        probabilities: the shipped candidate's P(fraud), on these rows or on others of the same fold.
    """

    name: str
    numeric: Mapping[str, NDArray[np.floating[Any]]]
    categorical: Mapping[str, NDArray[np.integer[Any]]]
    probabilities: Floats

    @property
    def rows(self) -> int:
        """Rows of the longest column."""
        return max((len(each) for each in (*self.numeric.values(), *self.categorical.values())), default=0)


@dataclass(frozen=True)
class LabelHistory:
    """Every row's label as known: 0, 1 or NaN [N], times in microseconds [N]; `as_of` None where all is known.

    Attributes:
        recent_from: rows later than this are the recent ones.
        reference: fraud rate of train.
    """

    label: Floats
    event_time: Integers
    available_at: Integers
    as_of: int | None
    recent_from: int
    reference: float


@dataclass(frozen=True)
class DriftEvidence:
    """What drift is judged on: train against the newest rows, scores of both, and when labels came.

    `recheck` and `detector` are sections of the report on the champion, with alarms of their own.
    """

    reference: ColumnPopulation
    recent: ColumnPopulation
    labels: LabelHistory
    recheck: Mapping[str, Any] = field(default_factory=dict)
    detector: Mapping[str, Any] = field(default_factory=dict)


def drift_section(evidence: DriftEvidence, *, config: DriftConfig) -> dict[str, Any]:
    """Every index, the unseen categories, the prevalence, alarms and one plain sentence.

    Args:
        evidence: train, the newest rows, and when labels came.
        config: bins of the indices, and when each finding is an alarm.
    """
    reference, recent, history = evidence.reference, evidence.recent, evidence.labels
    columns = _columns(reference, recent, config)
    score = numeric_stability(reference.probabilities, recent.probabilities, bins=config.bins)
    unseen = _unseen(reference, recent)
    prevalence = delayed_prevalence(
        history.label, history.event_time, history.available_at, as_of=history.as_of, start=history.recent_from
    )
    alarms = [
        *_column_alarms(columns),
        *_score_alarm(score, config),
        *_unseen_alarms(unseen, config),
        *_prevalence_alarm(prevalence, history.reference, config),
        *evidence.recheck.get("alarms", ()),
        *evidence.detector.get("alarms", ()),
    ]
    return {
        "reference": {"name": reference.name, "rows": reference.rows},
        "recent": {"name": recent.name, "rows": recent.rows},
        "columns": columns,
        "score": asdict(score),
        "unseen": unseen,
        "prevalence": {"reference": history.reference, **asdict(prevalence)},
        "recheck": dict(evidence.recheck),
        "detector": dict(evidence.detector),
        "alarms": alarms,
        "stop": config.stop,
        "sentence": _sentence(recent, alarms, evidence.recheck),
    }


def drift_metrics(section: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers of the section that tracking keeps, by name."""
    largest = section["columns"][0]["index"] if section["columns"] else None
    rises = [row["recent"] - row["reference"] for row in section["unseen"]]
    recheck = section["recheck"]
    return {
        "drift_alarms": float(len(section["alarms"])),
        "drift_largest_stability": largest,
        "drift_score_stability": section["score"]["index"],
        "drift_unseen_rise": max(rises, default=None),
        "drift_prevalence": section["prevalence"]["corrected"],
        "recheck_rank": recheck.get("setting", {}).get("rank"),
        "recheck_difference": recheck.get("setting", {}).get("difference"),
        "recheck_observed_expected": recheck.get("calibration", {}).get("observed_expected"),
        **detector_metrics(section["detector"]),
    }


def _columns(reference: ColumnPopulation, recent: ColumnPopulation, config: DriftConfig) -> list[dict[str, Any]]:
    found = []
    for name, values in reference.numeric.items():
        found.append((name, "numeric", numeric_stability(values, recent.numeric[name], bins=config.bins)))
    for name, codes in reference.categorical.items():
        found.append((name, "categorical", category_stability(codes, recent.categorical[name], bins=config.bins)))
    rows = [
        {"column": name, "kind": kind, **asdict(each), "drifted": each.above(config.stability_limit)}
        for name, kind, each in found
    ]
    return sorted(rows, key=lambda row: (-np.nan_to_num(row["index"], nan=-1.0), row["column"]))


def _unseen(reference: ColumnPopulation, recent: ColumnPopulation) -> list[dict[str, Any]]:
    return [
        {"column": name, "reference": _unknown_share(codes), "recent": _unknown_share(recent.categorical[name])}
        for name, codes in reference.categorical.items()
    ]


def _unknown_share(codes: NDArray[np.integer[Any]]) -> float:
    return float((np.asarray(codes) == 0).mean()) if len(codes) else float("nan")


def _column_alarms(columns: list[dict[str, Any]]) -> list[str]:
    drifted = [row for row in columns if row["drifted"]]
    if not drifted:
        return []
    first = ", ".join(f"{row['column']} ({row['index']:.2f})" for row in drifted[:3])
    more = f" and {len(drifted) - 3} more" if len(drifted) > 3 else ""
    return [f"population stability says that {first}{more} drifted from train"]


def _score_alarm(score: Stability, config: DriftConfig) -> list[str]:
    return [f"the score itself drifted (stability index {score.index:.2f})"] * score.above(config.stability_limit)


def _unseen_alarms(unseen: list[dict[str, Any]], config: DriftConfig) -> list[str]:
    return [
        f"{row['recent']:.1%} of the rows have a {row['column']} that train had not seen often enough, "
        f"after {row['reference']:.1%} in train"
        for row in unseen
        if row["recent"] - row["reference"] > config.unseen_limit
    ]


def _prevalence_alarm(found: DelayedPrevalence, reference: float, config: DriftConfig) -> list[str]:
    """An alarm where the whole interval lies beyond the limit: a factor that noise explains is none."""
    if found.effective_frauds < FEWEST_FRAUDS or not reference > 0:
        return []
    if not (found.low > config.prevalence_limit * reference or found.high < reference / config.prevalence_limit):
        return []
    return [
        f"the fraud rate, late labels accounted for, is {found.corrected:.2%} (95 % interval {found.low:.2%} to "
        f"{found.high:.2%}) after {reference:.2%} in train"
    ]


def _sentence(recent: ColumnPopulation, alarms: list[str], recheck: Mapping[str, Any]) -> str:
    whose = f"the {recent.rows:,} rows of {recent.name}"
    finding = f"Drift on {whose}: {'; '.join(alarms)}." if alarms else f"No drift on {whose} against train."
    return " ".join([finding, *(recheck.get("sentences") or [])])
