"""The `monitoring` of a report on outcomes: whether the deployed model still is what was shipped, check by check.

Each number with an interval is an alarm only where the whole interval lies beyond its limit; drift of columns is held
against spans of the judged fold, for a day is never like a month.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.formatting import count, number, percent
from evaluation.gate import Check
from evaluation.options import EvaluationConfig, MonitoringConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.expectation import Expectation, promised_log_loss
from evaluation.report.interval_records import bounds_record
from evaluation.statistics.intervals import UNDEFINED, Interval
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY, Floats

NO_EXPECTATION = "the bundle does not say what its model led to expect; one exported by this release does"
BEYOND_USUAL = 1.25
"""Factor above the largest index of any span of the judged fold from which one is more than the calendar's doing."""
COLUMNS_NAMED = 3


@dataclass(frozen=True)
class Monitored:
    """What is held against the limits.

    Attributes:
        known: rows whose outcome counts [N], with their probabilities `promised` [N].
        observed_expected: with its interval.
        log_loss: with its interval.
        let_through: rows that were not blocked, known or not.
        columns: of all rows, known or not, by name [M]; of those that the file has.
        days: how long the rows reach, in days.
    """

    known: JudgedRows
    promised: Floats
    observed_expected: Interval
    log_loss: Interval
    let_through: int
    columns: Mapping[str, NDArray[Any]]
    days: float


def monitoring_section(
    found: Monitored,
    expected: Expectation | None,
    *,
    config: MonitoringConfig,
    evaluation: EvaluationConfig,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Checks, the verdict that follows and the numbers behind it, ready for JSON.

    Args:
        found: rows, statistics and columns of the outcomes.
        expected: what the shipped model led to expect; None where its bundle does not say.
        config: the limits.
        evaluation: how often what is resampled.
        rng: draws the interval of the average precision.

    Returns:
        `passed`, `reasons` (of what is an alarm), `checks`, `numbers` (`observed_expected`, `log_loss`,
        `average_precision` and what was expected of them, `known_share`), `columns` (the indices, largest first).
    """
    rows, frauds = int(found.known.labels.size), float(found.known.labels.sum())
    few = max(frauds, float(found.promised.sum())) < config.min_frauds
    known_share = rows / found.let_through if found.let_through else float("nan")
    precision = UNDEFINED if expected is None else _precision_as_shipped(found, expected, evaluation, rng)
    loss = _expected_loss(found, expected)
    columns = [] if expected is None else _column_rows(found, expected, config)
    checks = [
        _coverage(known_share, config),
        _level(found.observed_expected, config),
        _loss(found.log_loss, loss, config),
        _precision(precision, expected, config),
    ]
    checks = [checks[0], *(_unjudged(each, frauds, config) if few else each for each in checks[1:])]
    checks.append(_drift(columns, expected))
    reasons = [each.text for each in checks if each.status == "refused"]
    return {
        "passed": not reasons,
        "reasons": reasons,
        "checks": [asdict(each) | {"passed": each.passed} for each in checks],
        "numbers": {
            "known_share": known_share,
            "observed_expected": bounds_record(found.observed_expected),
            "log_loss": bounds_record(found.log_loss) | {"expected": loss},
            "average_precision": bounds_record(precision)
            | {"expected": None if expected is None else expected.average_precision},
            "largest_stability": max((row["index"] for row in columns), default=None),
            "drifted": sum(row["drifted"] for row in columns),
        },
        "columns": columns,
        "limits": config.model_dump(mode="json", exclude={"prometheus"}),
    }


def span_days(event_time: NDArray[np.int64]) -> float:
    """How long rows reach, in days.

    >>> span_days(np.array([0, 36 * 3600 * 10**6]))
    1.5

    Args:
        event_time: microseconds [N].
    """
    return float(event_time.max() - event_time.min()) / DAY if event_time.size else 0.0


def _expected_loss(found: Monitored, expected: Expectation | None) -> float:
    """What the probabilities promise on these rows, times how well the shipped model kept that promise on test."""
    promised = promised_log_loss(found.promised, weight=found.known.weight)
    return promised * (1.0 if expected is None else expected.kept)


def _precision_as_shipped(
    found: Monitored, expected: Expectation, evaluation: EvaluationConfig, rng: np.random.Generator
) -> Interval:
    """Average precision with its interval at the fraud rate of the judged fold: it rises with the rate."""
    rows = found.known
    weight = np.ones(rows.labels.size) if rows.weight is None else rows.weight
    own = float(weight @ rows.labels) / float(weight.sum())
    if not 0.0 < own < 1.0:
        return UNDEFINED
    there = expected.prevalence
    times = np.where(rows.labels > 0.5, there / own, (1.0 - there) / (1.0 - own))
    drawn = headline_replicates(
        replace(rows, weight=weight * times, card=rows.card), {"model": found.promised}, config=evaluation, rng=rng
    )
    return drawn.interval("model", "average_precision")


def _column_rows(found: Monitored, expected: Expectation, config: MonitoringConfig) -> list[dict[str, Any]]:
    rows = []
    for name in (each for each in expected.columns if each in found.columns):
        usual = expected.columns[name]
        index, span = usual.index(found.columns[name]), usual.usual(days=found.days)
        drifted = index.above(max(config.stability_limit, BEYOND_USUAL * span))
        rows.append({"column": name, "index": index.index, "usual": span, "null_95": index.null_95, "drifted": drifted})
    return sorted(rows, key=lambda row: (not row["drifted"], -np.nan_to_num(row["index"], nan=-1.0), row["column"]))


def _coverage(share: float, config: MonitoringConfig) -> Check:
    said = f"outcomes are known for {percent(share)} of the rows that were let through"
    if share >= config.known_share:
        return Check("labels", "met", f"{said}, at least {percent(config.known_share)}")
    remedy = "Wait until labels have matured, or find out why they no longer arrive: what is known may be a selection"
    return Check("labels", "refused", f"{said}, below {percent(config.known_share)}", remedy)


def _level(i: Interval, config: MonitoringConfig) -> Check:
    low, high = config.observed_expected_low, config.observed_expected_high
    said = f"observed/expected is {_with_interval(i)}"
    limits = f"[{low:g}, {high:g}]"
    if not np.isfinite(i.low):
        return Check("level", "absent", "observed/expected cannot be told from these rows")
    if i.high < low or i.low > high:
        more = i.low > high
        remedy = (
            "The model promises too little: fraud has become more common, or of a kind that it does not know; retrain"
            if more
            else "The model promises too much: fraud has become rarer, or frauds are not reported yet; wait or retrain"
        )
        return Check("level", "refused", f"{said}, wholly outside {limits}", remedy)
    return _inside("level", f"{said}; limits {limits}", whole=low <= i.low and i.high <= high)


def _loss(i: Interval, expected: float, config: MonitoringConfig) -> Check:
    limit = (1.0 + config.log_loss_rise) * expected
    said = f"log loss is {_with_interval(i, 4)}, {number(expected, 4)} was to be expected"
    if not np.isfinite(i.low):
        return Check("log loss", "absent", "the log loss has no interval on these rows")
    if i.low > limit:
        remedy = (
            "Outcomes do not follow the probabilities: look for labels joined to the wrong rows and for inputs that "
            "changed, then retrain"
        )
        return Check("log loss", "refused", f"{said}: more than {percent(config.log_loss_rise, 0)} above it", remedy)
    return _inside("log loss", said, whole=i.high <= limit)


def _precision(i: Interval, expected: Expectation | None, config: MonitoringConfig) -> Check:
    if expected is None:
        return Check("average precision", "absent", NO_EXPECTATION)
    if not np.isfinite(i.low):
        return Check("average precision", "absent", "the average precision cannot be told from these rows")
    limit = (1.0 - config.average_precision_drop) * expected.average_precision
    said = (
        f"average precision is {_with_interval(i)} at the {percent(expected.prevalence, 2)} of fraud on test, "
        f"after {number(expected.average_precision)} there"
    )
    if i.high < limit:
        remedy = "The ranking has worsened: fraudsters adapted, or inputs changed; retrain on newer rows"
        lost = percent(config.average_precision_drop, 0)
        return Check("average precision", "refused", f"{said}: more than {lost} is lost", remedy)
    return _inside("average precision", said, whole=i.low >= limit)


def _drift(columns: Sequence[Mapping[str, Any]], expected: Expectation | None) -> Check:
    if expected is None:
        return Check("inputs", "absent", NO_EXPECTATION)
    if not columns:
        return Check("inputs", "absent", "the file has no columns of the model")
    drifted = [row for row in columns if row["drifted"]]
    if not drifted:
        largest = max(row["index"] for row in columns)
        return Check("inputs", "met", f"none of {len(columns)} columns drifted from test (largest index {largest:.2f})")
    named = ", ".join(f"{row['column']} ({row['index']:.2f})" for row in drifted[:COLUMNS_NAMED])
    more = f" and {len(drifted) - COLUMNS_NAMED} more" if len(drifted) > COLUMNS_NAMED else ""
    remedy = "Look at the feed of these columns first: a column that fell silent looks like this; then retrain"
    return Check("inputs", "refused", f"columns drifted from test (population stability): {named}{more}", remedy)


def _unjudged(check: Check, frauds: float, config: MonitoringConfig) -> Check:
    """The same numbers as something that says nothing yet."""
    if check.status == "absent":
        return check
    text = f"{check.text}; {count(frauds)} frauds are too few to judge by (monitoring.min_frauds {config.min_frauds})"
    return Check(check.name, "open", text)


def _inside(name: str, said: str, *, whole: bool) -> Check:
    return Check(name, "met", said) if whole else Check(name, "open", f"{said}; its interval reaches over the limit")


def _with_interval(i: Interval, digits: int = 3) -> str:
    return f"{number(i.value, digits)} ({number(i.low, digits)} to {number(i.high, digits)})"
