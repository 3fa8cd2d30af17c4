"""Every candidate on the Python path: what train and calibrate left, and the probabilities that follow from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from features.encode import Encoder, Matrix
from models.baseline import LogisticBaseline
from models.booster_inputs import BoosterInputs
from models.boosting import Booster
from models.calibration import Calibrator, calibrator_from_dict, fit_calibrator, repaired_map
from models.hybrid import Hybrid, fit_hybrid, member_map
from models.losses import LossSettings, Posterior, posterior
from models.network import State, margins
from models.options import CalibrationConfig, Method
from models.rows import Float64s, Floats, Integers

HYBRID_MEMBERS = ("mlp", "xgboost")
COMPARED: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Head:
    """A network of the sweep.

    Attributes:
        owner: the first head that this network serves; heads of one owner are one network, scored and stored once.
        state: its arrays.
        loss: what it minimised.
        class_weight: the name its class weights were asked for by.
    """

    owner: str
    state: State
    loss: LossSettings
    class_weight: str


@dataclass(frozen=True)
class Models:
    """What train left.

    Attributes:
        encoder: features to arrays.
        heads: "mlp" (selected), "mlp_unsmoothed" (its ε = 0 twin), "mlp_smoothed" (the best ε > 0; `mlp` itself unless
            ε = 0 won). The first two are candidates.
        booster: on the columns of `booster_inputs`.
        baseline: logistic regression.
        posterior_floor: where the inverse of the loss goes on as a tail.
    """

    encoder: Encoder
    heads: Mapping[str, Head]
    booster: Booster
    booster_inputs: BoosterInputs
    baseline: LogisticBaseline
    posterior_floor: float


@dataclass(frozen=True)
class RawScores:
    """Before any calibrator, on N rows.

    Attributes:
        margins: logit_1 − logit_0 of each head [N].
        log_odds: of P(fraud), after the inverse where there is one, of each candidate but the hybrid [N].
        inverted: the heads' margins after the inverse of their loss [N].
        posteriors: the heads' margins after the inverse of their loss, with the tail that each row lies in.
        tail_share: share of rows that only a tail of the inverse could place, per head.
    """

    margins: Mapping[str, Float64s]
    inverted: Mapping[str, Float64s]
    log_odds: Mapping[str, Float64s]
    posteriors: Mapping[str, Posterior]
    tail_share: Mapping[str, float]


@dataclass(frozen=True)
class Calibration:
    """A calibrator per candidate, and the combination of two of them."""

    calibrators: Mapping[str, Calibrator]
    hybrid: Hybrid

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        maps = {name: fitted.to_dict() for name, fitted in self.calibrators.items()}
        return {"calibrators": maps, "hybrid": self.hybrid.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """The inverse of `to_dict`."""
        maps = {name: calibrator_from_dict(fitted) for name, fitted in values["calibrators"].items()}
        return cls(maps, Hybrid.from_dict(values["hybrid"]))


def raw_scores(models: Models, rows: Matrix, *, threads: int) -> RawScores:
    """Every model's own answer on some rows."""
    networks = {head.owner: head.state for head in models.heads.values()}
    by_owner = {owner: margins(state, rows) for owner, state in networks.items()}
    by_head = {name: by_owner[head.owner] for name, head in models.heads.items()}
    floor = models.posterior_floor
    posteriors = {name: posterior(z, models.heads[name].loss, floor=floor) for name, z in by_head.items()}
    inverted = {name: each.log_odds for name, each in posteriors.items()}
    trees = models.booster.margins(models.booster_inputs.columns(rows), threads=threads)
    return RawScores(
        margins=by_head,
        inverted=inverted,
        log_odds={
            "logistic": models.baseline.margins(rows),
            "mlp": inverted["mlp"],
            "mlp_unsmoothed": inverted["mlp_unsmoothed"],
            "xgboost": models.booster.log_odds(trees, floor=floor),
        },
        posteriors=posteriors,
        tail_share={name: each.tail_share for name, each in posteriors.items()},
    )


def fit_calibration(
    labels: Floats, log_odds: Mapping[str, Floats], *, config: CalibrationConfig, weights: Floats | None = None
) -> Calibration:
    """A calibrator for each candidate, and the hybrid of head and booster, on the same rows.

    Args:
        labels: 0 or 1 [N].
        log_odds: of each candidate [N].
        config: [calibration].
        weights: for how many rows each row stands [N]; None where each is one.
    """
    maps = {}
    for name, z in log_odds.items():
        fitted = fit_calibrator(labels, z, method=config.method, config=config, weights=weights)
        maps[name] = repaired_map(fitted, labels, z, config=config, weights=weights)
    return Calibration(maps, fit_hybrid(labels, _member_log_odds(maps, log_odds), weights=weights))


def calibrated_probabilities(calibration: Calibration, log_odds: Mapping[str, Floats]) -> dict[str, Float64s]:
    """P(fraud) of every candidate, the hybrid last, from uncalibrated log odds [N]."""
    result = {name: fitted.apply(log_odds[name]) for name, fitted in calibration.calibrators.items()}
    members = _member_log_odds(calibration.calibrators, log_odds)
    return {**result, "hybrid": calibration.hybrid.apply(members)}


def cross_fitted_probabilities(
    labels: Floats,
    log_odds: Mapping[str, Floats],
    *,
    blocks: Integers,
    config: CalibrationConfig,
    weights: Floats | None = None,
) -> dict[str, Float64s]:
    """P(fraud) of every candidate [N] by maps and a combination fitted on the other blocks.

    Args:
        labels: 0 or 1 [N].
        log_odds: of each candidate [N].
        blocks: block of each row [N].
        config: [calibration].
        weights: for how many rows each row stands [N]; None where each is one.
    """
    result = {name: np.empty(len(labels)) for name in (*log_odds, "hybrid")}
    for held in np.unique(blocks):
        out = blocks == held
        kept = {name: z[~out] for name, z in log_odds.items()}
        weight = None if weights is None else weights[~out]
        fitted = fit_calibration(labels[~out], kept, config=config, weights=weight)
        for name, p in calibrated_probabilities(fitted, {name: z[out] for name, z in log_odds.items()}).items():
            result[name][out] = p
    return result


def _member_log_odds(maps: Mapping[str, Calibrator], log_odds: Mapping[str, Floats]) -> dict[str, Floats]:
    """What the hybrid combines [N]: the members' log odds after the maps that `member_map` lets stand."""
    return {name: member_map(maps[name]).log_odds(log_odds[name]) for name in HYBRID_MEMBERS}


def comparison_logits(models: Models, scores: RawScores) -> Iterator[tuple[float, str, Method, Float64s]]:
    """The arms of the temperature comparison: (ε, name, method, logits to map).

    ε = 0 against the best ε > 0, each calibrator alone on the raw margin and after the closed-form inverse.
    """
    heads = ("mlp_unsmoothed", "mlp_smoothed") if "mlp_smoothed" in models.heads else ("mlp_unsmoothed",)
    for head in heads:
        for prefix, logits in (("", scores.margins[head]), ("inverse+", scores.inverted[head])):
            for method in COMPARED:
                name = "inverse" if prefix and method == "none" else prefix + method
                yield models.heads[head].loss.epsilon, name, method, logits
