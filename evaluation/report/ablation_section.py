"""The report's `ablation`: what each training technique is worth, alone and in pairs, with paired intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.options import BootstrapSettings
from evaluation.statistics.alerts import precision_at, share_negatives_above
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.dependence import Dependence
from evaluation.statistics.intervals import Replicates, RowDetails, paired_bootstrap
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.sample import Floats, sample
from evaluation.statistics.scores import brier, log_loss

STATISTICS = ("average_precision", "roc_auc", "brier_skill", "log_loss", "ece")
DIFFERENCES = ("log_loss", "average_precision")


@dataclass(frozen=True)
class AblationArm:
    """One way of training on the same data, with the same network, batches and schedule.

    Attributes:
        name: of the arm, unique.
        techniques: what it uses, such as ("class weights", "label smoothing"); empty for plain cross-entropy.
        raw: P(fraud) as trained, without any map [N].
        inverted: after the closed-form inverse of its loss [N].
        scaled: after the inverse and a temperature fitted on calib [N].
        calibrated: after the inverse and an affine map fitted on calib [N].
    """

    name: str
    techniques: tuple[str, ...]
    raw: Floats
    inverted: Floats
    scaled: Floats
    calibrated: Floats


def ablation_section(
    labels: ArrayLike,
    arms: Sequence[AblationArm],
    *,
    reference: str,
    clusters: ArrayLike | Dependence,
    rng: np.random.Generator,
    settings: BootstrapSettings,
    weight: ArrayLike | None = None,
) -> dict[str, Any]:
    """A record per arm: statistics with intervals after calibration, and its differences from the reference arm.

    Ranking statistics do not depend on the maps; calibration errors are given as trained, after the inverse, and after
    calibration, because that is where techniques that only move the output differ from those that learn more.

    Args:
        labels: 0 or 1 [N].
        arms: all on the same rows.
        reference: name of the arm that the others are compared with.
        clusters: units that move together, or an integer code per row [N].
        rng: source of the draws.
        settings: number of resamples and bins.
        weight: row weights, ≥ 0 [N]; None counts each row once.

    Raises:
        ValueError: the reference is not among the arms, or two arms share a name.
    """
    names = [arm.name for arm in arms]
    if reference not in names or len(set(names)) < len(names):
        raise ValueError(f"arms must have names of their own and hold the reference {reference!r}, got {names}")
    y = np.asarray(labels, dtype=np.float64)
    stages: dict[str, ArrayLike] = {}
    for arm in arms:
        stages |= {arm.name: arm.calibrated, _inverse(arm): arm.inverted, _scaled(arm): arm.scaled}
    drawn = paired_bootstrap(
        y, stages, clusters=clusters, rng=rng, settings=settings, details=RowDetails(weight=weight)
    )
    records = [
        {
            "arm": arm.name,
            "techniques": list(arm.techniques),
            "raw": _uncalibrated(y, arm.raw, bins=settings.bins, weight=weight),
            "inverted": _uncalibrated(y, arm.inverted, bins=settings.bins, weight=weight),
            **_drawn_record(arm, drawn, reference=reference),
        }
        for arm in arms
    ]
    return {"reference": reference, "rows": int(y.size), "frauds": int(y.sum()), "arms": records}


def noise_section(
    labels: ArrayLike,
    fits: Mapping[tuple[float, float], Floats],
    *,
    clusters: ArrayLike | Dependence,
    rng: np.random.Generator,
    settings: BootstrapSettings,
    weight: ArrayLike | None = None,
) -> list[dict[str, Any]]:
    """Statistics on clean labels of networks trained on noisy ones.

    `difference` is the log loss above that of the least smoothing at the same noise, on the same resamples: below 0
    where smoothing helped.

    Args:
        labels: 0 or 1 [N].
        fits: (share of training labels flipped, smoothing) to calibrated P(fraud) [N].
        clusters: units that move together, or an integer code per row [N].
        rng: source of the draws.
        settings: number of resamples and bins.
        weight: row weights, ≥ 0 [N]; None counts each row once.
    """
    y = np.asarray(labels, dtype=np.float64)
    names = {key: f"{key[0]:g} | {key[1]:g}" for key in fits}
    named = {names[key]: p for key, p in fits.items()}
    drawn = paired_bootstrap(y, named, clusters=clusters, rng=rng, settings=settings, details=RowDetails(weight=weight))
    least = {noise: min(epsilon for other, epsilon in fits if other == noise) for noise, _ in fits}
    return [
        {
            "noise": noise,
            "smoothing": smoothing,
            "average_precision": average_precision(y, p, weight=weight),
            "roc_auc": roc_auc(y, p, weight=weight),
            "brier": brier(y, p, weight=weight),
            "log_loss": log_loss(y, p, weight=weight),
            "difference": asdict(drawn.difference(names[noise, smoothing], names[noise, least[noise]], "log_loss")),
        }
        for (noise, smoothing), p in fits.items()
    ]


def _drawn_record(arm: AblationArm, drawn: Replicates, *, reference: str) -> dict[str, Any]:
    return {
        **{name: asdict(drawn.interval(arm.name, name)) for name in STATISTICS},
        "temperature_gain": asdict(drawn.difference(_scaled(arm), _inverse(arm), "log_loss")),
        "difference": {name: asdict(drawn.difference(arm.name, reference, name)) for name in DIFFERENCES},
    }


def _uncalibrated(
    labels: Floats, probabilities: Floats, *, bins: int, weight: ArrayLike | None = None
) -> dict[str, float]:
    s = sample(labels, probabilities, weight=weight)
    return {
        "ece": expected_calibration_error(labels, probabilities, bins=bins, weight=weight),
        "brier": brier(labels, probabilities, weight=weight),
        "share_above_half": float(s.weight @ (s.probabilities > 0.5)) / s.rows if s.rows > 0 else float("nan"),
        "precision_at_half": precision_at(labels, probabilities, threshold=0.5, weight=weight),
        "share_negatives_above_095": share_negatives_above(labels, probabilities, level=0.95, weight=weight),
    }


def _inverse(arm: AblationArm) -> str:
    return f"{arm.name} | inverse"


def _scaled(arm: AblationArm) -> str:
    return f"{arm.name} | scaled"
