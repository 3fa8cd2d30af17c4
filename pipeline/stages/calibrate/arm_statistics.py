"""The statistics of comparison.parquet: those of the sweep table, on rows that stand for others of their class."""

from numpy.typing import ArrayLike

from evaluation.statistics.alerts import precision_at, share_negatives_above
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.scores import brier, log_loss


def arm_statistics(labels: ArrayLike, probabilities: ArrayLike, *, bins: int, weight: ArrayLike) -> dict[str, float]:
    """One arm's statistics on calib, by the weights that its map was fitted with.

    Args:
        labels: 0 or 1 [M].
        probabilities: cross-fitted P(fraud) [M].
        bins: of the calibration error, of equal width.
        weight: row weights, ≥ 0 [M].
    """
    return {
        "roc_auc": roc_auc(labels, probabilities, weight=weight),
        "average_precision": average_precision(labels, probabilities, weight=weight),
        "brier": brier(labels, probabilities, weight=weight),
        "ece": expected_calibration_error(labels, probabilities, bins=bins, weight=weight),
        "log_loss": log_loss(labels, probabilities, weight=weight),
        "precision_at_half": precision_at(labels, probabilities, weight=weight),
        "share_negatives_above_095": share_negatives_above(labels, probabilities, weight=weight),
    }
