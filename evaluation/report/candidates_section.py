"""The report's `candidates`: every headline statistic of each, with its interval, on the test fold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation.options import EvaluationConfig
from evaluation.report.evidence import CalibRows
from evaluation.report.interval_records import interval_record
from evaluation.statistics.alerts import CardTimes
from evaluation.statistics.calibration_error import ece_null
from evaluation.statistics.calibrator_noise import CalibratorRows
from evaluation.statistics.dependence import dependence
from evaluation.statistics.intervals import UNDEFINED, Replicates, RowDetails, paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.random_streams import stream_of
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import undefined_because

HEADLINE = (
    "roc_auc",
    "average_precision",
    "brier",
    "brier_skill",
    "log_loss",
    "ece",
    "ece_debiased",
    "calibration_slope",
    "observed_expected",
    "precision_at_half",
    "share_negatives_above_095",
    "recall_at_budget",
    "card_precision_at_100",
)
FURTHER = ("ece_equal_mass", "ece_equal_positives", "calibration_intercept", "value_recall_at_budget")
NO_CARDS = "the data has no cards"


def headline_replicates(
    rows: JudgedRows,
    candidates: Mapping[str, Floats],
    *,
    config: EvaluationConfig,
    rng: np.random.Generator,
    calib: CalibRows | None = None,
) -> Replicates:
    """Every candidate's headline statistics on the rows and on each resample.

    Args:
        rows: judged rows of known label.
        candidates: name to P(fraud) on them [N].
        config: what is resampled, and how often.
        rng: source of the draws.
        calib: the rows that the calibrators were fitted on, with cross-fitted probabilities: observed/expected and
            the calibration errors then hold the calibrators' own sampling noise. None leaves it out.
    """
    return paired_bootstrap(
        rows.labels,
        candidates,
        clusters=dependence(rows, by=config.cluster, fewest=config.min_clusters),
        rng=rng,
        settings=config.bootstrap(),
        details=RowDetails(
            amount=rows.amount,
            cards=None if rows.card is None else CardTimes(rows.card, rows.event_time, rows.compromised),
            weight=rows.weight,
        ),
        calibrators=None if calib is None else calibrator_rows(calib, config=config),
    )


def calibrator_rows(calib: CalibRows, *, config: EvaluationConfig) -> CalibratorRows | None:
    """The calib rows of known label as the bootstrap redraws them; None where they could not have fitted a map.

    Args:
        calib: rows and cross-fitted probabilities.
        config: what is drawn as a whole.
    """
    known = np.isfinite(calib.rows.labels)
    rows = calib.rows.where(known)
    if undefined_because(rows.labels, weight=rows.weight):
        return None
    return CalibratorRows(
        labels=rows.labels,
        candidates={name: np.asarray(p, dtype=np.float64)[known] for name, p in calib.candidates.items()},
        weight=np.ones(rows.labels.size) if rows.weight is None else rows.weight,
        clusters=dependence(rows, by=config.cluster, fewest=config.min_clusters),
    )


def calibration_nulls(
    candidates: Mapping[str, Floats], *, bins: int, rng: np.random.Generator, weight: Floats | None = None
) -> dict[str, float]:
    """The calibration error that independent rows and a known calibrator reach in 95 of 100 draws, by candidate.

    Each draws from a stream of its own, so one candidate more changes nothing for the others.
    """
    return {name: ece_null(p, rng=stream_of(rng, name), bins=bins, weight=weight) for name, p in candidates.items()}


def candidates_section(
    drawn: Replicates, labels: Floats, population: Mapping[str, Any], nulls: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """A record per candidate and statistic; null with a reason where it is undefined.

    Args:
        drawn: what `headline_replicates` returned.
        labels: 0 or 1 [N].
        population: the report's `population`.
        nulls: what `calibration_nulls` returned.
    """
    why = undefined_because(labels)
    return {name: _candidate(drawn, name, population, nulls[name], why) for name in drawn.values}


def _candidate(drawn: Replicates, name: str, population: Mapping[str, Any], null: float, why: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for metric in (*HEADLINE, *FURTHER):
        interval = drawn.interval(name, metric) if metric in drawn.values[name] else UNDEFINED
        reason = "" if np.isfinite(interval.value) else _reason(metric, drawn.values[name], why)
        result[metric] = interval_record(interval, population, reason=reason)
        if metric == "ece":
            result["ece_null_95"] = null
    return result


def _reason(metric: str, values: Mapping[str, float], why: str) -> str:
    if metric not in values:
        return NO_CARDS
    if metric == "precision_at_half":
        return "no row reaches a probability of 0.5"
    return why or "undefined on these rows"
