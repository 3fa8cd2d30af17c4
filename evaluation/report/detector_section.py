"""The report's `drift.detector`: whether the champion's daily promises still hold, on the labels known so far."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.formatting import day_text
from evaluation.options import DriftConfig
from evaluation.statistics.champion_days import ChampionDays, WatchedRows, champion_days
from evaluation.statistics.change_detection import Change, combined_evidence, detect_change, ringing_evidence
from evaluation.statistics.label_delay import LabelCurves
from evaluation.statistics.sample import DAY

STATISTICS = {"observed_expected": "observed/expected frauds", "fraud_log_loss": "log loss of frauds over its promise"}
"""What is watched, and its name in a sentence."""


@dataclass(frozen=True)
class WatchedChampion:
    """The champion on the rows that it never saw.

    Attributes:
        name: its version.
        rows: test rows and later ones after its last seen event, with the labels known so far.
        delays: how soon labels of either class are known.
        as_of: the night, microseconds; None where all labels are known.
    """

    name: str
    rows: WatchedRows
    delays: LabelCurves
    as_of: int | None


def detector_section(watched: WatchedChampion | None, *, config: DriftConfig) -> dict[str, Any]:
    """Evidence against the champion's promises, since when, daily sums, and an alarm in words; empty without one.

    Args:
        watched: the champion on rows of its future.
        config: the margin, and how often the detector may ring where nothing changed.
    """
    if watched is None:
        return {}
    days = champion_days(watched.rows, watched.delays, as_of=watched.as_of)
    changes = {
        name: detect_change(each, margin=config.detector_margin)
        for name, each in zip(STATISTICS, (days.frauds, days.loss), strict=True)
    }
    evidence = combined_evidence(list(changes.values()))
    limit = ringing_evidence(nights=config.detector_nights, false_alarms=config.detector_false_alarms)
    rings = evidence >= limit
    return {
        "champion": watched.name,
        "days": int(days.frauds.day.size),
        "evidence": evidence,
        "rings_at": limit,
        "rings": rings,
        "statistics": {name: _record(each) for name, each in changes.items()},
        "daily": _daily(days),
        "alarms": [_alarm(watched.name, changes)] if rings else [],
    }


def detector_metrics(section: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers that tracking keeps, by name; evidence as its logarithm, which is above 0 where it speaks up."""
    found = section.get("statistics", {})
    metrics = {f"detector_{name}": found.get(name, {}).get("ratio", {}).get("value") for name in STATISTICS}
    evidence = section.get("evidence")
    return metrics | {"detector_log_evidence": math.log(max(evidence, 1e-9)) if evidence is not None else None}


def _record(change: Change) -> dict[str, Any]:
    """A statistic as written: how it stands since the day that the evidence is largest for."""
    since = None if change.since is None else _day(change.since)
    ratio = {name: value for name, value in asdict(change.ratio).items() if name != "reason"}
    return {"evidence": change.evidence, "since": since, "ratio": ratio, "rose": change.rose, "scatter": change.scatter}


def _alarm(name: str, changes: Mapping[str, Change]) -> str:
    loudest = max(changes, key=lambda each: changes[each].evidence)
    change = changes[loudest]
    ratio = change.ratio
    assert change.since is not None
    return (
        f"champion {name} no longer keeps its promises: {STATISTICS[loudest]} is {ratio.value:.2f} since "
        f"{_day(change.since)} (95 % interval {ratio.low:.2f} to {ratio.high:.2f}; labels known so far, late ones "
        "accounted for)"
    )


def _daily(days: ChampionDays) -> list[dict[str, Any]]:
    """A line a day: frauds promised and come, and the ratio of the loss."""
    loss = np.divide(
        days.loss.observed, days.loss.expected, out=np.full(days.loss.day.size, np.nan), where=days.loss.expected > 0
    )
    columns = (days.frauds.day, days.frauds.observed, days.frauds.expected, loss)
    return [
        {"day": _day(int(day)), "observed": observed, "expected": expected, "fraud_log_loss": ratio}
        for day, observed, expected, ratio in zip(*columns, strict=True)
    ]


def _day(number: int) -> str:
    return day_text(number * DAY)
