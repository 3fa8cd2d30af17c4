"""Whether the newest rows still look like those the model learned from: columns, scores, categories, prevalence.

None of it needs a label but the prevalence, and that one is read with the delay of labels taken into account: the
newest rows look honest only because their frauds have not been reported yet.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import chdtri

from evaluation.report.cells import plain
from evaluation.statistics.label_delay import DelayedPrevalence, delayed_prevalence
from evaluation.statistics.sample import Floats, Integers

FEWEST_FRAUDS = 20
"""Known frauds of the newest rows below which their prevalence is shown and raises no alarm."""


class DriftConfig(BaseModel):
    """When the newest rows count as drifted from those of train ([drift])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stability_limit: float = Field(0.25, gt=0, description="population stability index above which a column drifted")
    unseen_limit: float = Field(0.05, gt=0, description="rise of a column's share of unseen categories that is drift")
    prevalence_limit: float = Field(2.0, gt=1, description="factor between recent and train fraud rate that is drift")
    bins: int = Field(10, ge=2, description="bins of a stability index, of equal size in train")
    stop: bool = Field(default=False, description="let the gate refuse a model whose newest rows have drifted")


@dataclass(frozen=True)
class Stability:
    """A population stability index, and what it stays below in 95 of 100 draws from one population."""

    index: float
    null_95: float

    def above(self, limit: float) -> bool:
        """Whether it is large, and larger than chance."""
        return self.index > max(limit, self.null_95)


@dataclass(frozen=True)
class Population:
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
    """What drift is judged on: train against the newest rows, scores of both, and when labels came."""

    reference: Population
    recent: Population
    labels: LabelHistory
    recheck: Mapping[str, Any] = field(default_factory=dict)


def numeric_stability(reference: ArrayLike, recent: ArrayLike, *, bins: int) -> Stability:
    """The index over bins that hold equal shares of the reference; missing values are a bin of their own.

    Args:
        reference: [N], NaN where missing.
        recent: [M].
        bins: number of bins before ties merge some.
    """
    one, two = np.asarray(reference, np.float64), np.asarray(recent, np.float64)
    present = one[~np.isnan(one)]
    inner = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1])) if present.size else np.empty(0)
    return _stability(_counts(one, inner), _counts(two, inner))


def category_stability(reference: ArrayLike, recent: ArrayLike, *, bins: int) -> Stability:
    """The index over the reference's most frequent codes, each a bin, and all others together.

    Args:
        reference: codes ≥ 0 [N]; 0 stands for unknown.
        recent: codes [M].
        bins: codes with a bin of their own.
    """
    one, two = np.asarray(reference, np.int64), np.asarray(recent, np.int64)
    codes, counts = np.unique(one, return_counts=True)
    kept = codes[np.argsort(-counts, kind="stable")[:bins]]
    tally = [np.array([*((values == code).sum() for code in kept)], np.float64) for values in (one, two)]
    return _stability(*(np.append(t, n - t.sum()) for t, n in zip(tally, (one.size, two.size), strict=True)))


def drift_section(evidence: DriftEvidence, *, config: DriftConfig) -> dict[str, Any]:
    """The report's `drift` key: every index, the unseen categories, the prevalence, alarms and one plain sentence."""
    reference, recent = evidence.reference, evidence.recent
    columns = _columns(reference, recent, config)
    score = numeric_stability(reference.probabilities, recent.probabilities, bins=config.bins)
    unseen = _unseen(reference, recent)
    history = evidence.labels
    prevalence = delayed_prevalence(
        history.label, history.event_time, history.available_at, as_of=history.as_of, start=history.recent_from
    )
    alarms = [
        *_column_alarms(columns),
        *_score_alarm(score, config),
        *_unseen_alarms(unseen, config),
        *_prevalence_alarm(prevalence, history.reference, config),
        *evidence.recheck.get("alarms", ()),
    ]
    rows = {each.name: _rows(each) for each in (reference, recent)}
    section: dict[str, Any] = plain(
        {
            "reference": {"name": reference.name, "rows": rows[reference.name]},
            "recent": {"name": recent.name, "rows": rows[recent.name]},
            "columns": columns,
            "score": asdict(score),
            "unseen": unseen,
            "prevalence": {"reference": history.reference, **asdict(prevalence)},
            "recheck": dict(evidence.recheck),
            "alarms": alarms,
            "stop": config.stop,
        }
    )
    return section | {"sentence": _sentence(section)}


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
    }


def _counts(values: Floats, inner: Floats) -> Floats:
    missing = np.isnan(values)
    place = np.where(missing, len(inner) + 1, np.searchsorted(inner, np.where(missing, 0.0, values), side="left"))
    return np.bincount(place, minlength=len(inner) + 2).astype(np.float64)


def _stability(reference: Floats, recent: Floats) -> Stability:
    """Σ (p − q) ln(p / q) over bins (Siddiqi, 2006); half a row is added to each bin, so that none is empty.

    Where both are drawn from one population it is about (1/n + 1/m) χ² with a degree of freedom less than bins
    (Yurdakul, 2018), so large samples make small indices telling and small ones make large indices empty.
    """
    used = (reference + recent) > 0
    n, m, bins = reference.sum(), recent.sum(), int(used.sum())
    if n == 0 or m == 0:
        return Stability(float("nan"), float("nan"))
    if bins < 2:
        return Stability(0.0, 0.0)
    p, q = ((counts[used] + 0.5) / (counts.sum() + 0.5 * bins) for counts in (reference, recent))
    return Stability(float(((p - q) * np.log(p / q)).sum()), float((1 / n + 1 / m) * chdtri(bins - 1, 0.05)))


def _columns(reference: Population, recent: Population, config: DriftConfig) -> list[dict[str, Any]]:
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


def _unseen(reference: Population, recent: Population) -> list[dict[str, Any]]:
    return [
        {"column": name, "reference": _unknown_share(codes), "recent": _unknown_share(recent.categorical[name])}
        for name, codes in reference.categorical.items()
    ]


def _unknown_share(codes: NDArray[np.integer[Any]]) -> float:
    return float((np.asarray(codes) == 0).mean()) if len(codes) else float("nan")


def _rows(population: Population) -> int:
    return max((len(each) for each in (*population.numeric.values(), *population.categorical.values())), default=0)


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
    factor = found.corrected / reference if reference > 0 else float("nan")
    if found.frauds < FEWEST_FRAUDS or not np.isfinite(factor):
        return []
    if 1 / config.prevalence_limit <= factor <= config.prevalence_limit:
        return []
    return [f"the fraud rate, late labels accounted for, is {found.corrected:.2%} after {reference:.2%} in train"]


def _sentence(section: Mapping[str, Any]) -> str:
    whose = f"the {section['recent']['rows']:,} rows of {section['recent']['name']}"
    alarms = section["alarms"]
    said = f"Drift on {whose}: {'; '.join(alarms)}." if alarms else f"No drift on {whose} against train."
    return " ".join([said, *(section["recheck"].get("sentences") or [])])
