"""One probability out of several models: an affine combination of their logits."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from models.calibration import Calibrator, Identity, Isotonic, bounded_probability
from models.errors import InputError
from models.logistic import LogisticFit, base_rate_fit, fit_logistic
from models.rows import Float64s, Floats


@dataclass(frozen=True)
class Hybrid:
    """σ(Σ_m weight_m · logit_m + shift), every weight ≥ 0."""

    members: tuple[str, ...]
    weights: tuple[float, ...]
    shift: float
    converged: bool
    note: str

    def log_odds(self, logits: Mapping[str, Floats]) -> Float64s:
        """Combined log odds [N].

        Raises:
            ValueError: the logits of a member are missing.
        """
        missing = sorted(set(self.members) - set(logits))
        if missing:
            raise ValueError(f"logits of every member are needed, missing: {missing}")
        matrix = np.stack([np.asarray(logits[name], dtype=np.float64) for name in self.members])
        total: Float64s = np.asarray(self.weights) @ matrix + self.shift
        return total

    def apply(self, logits: Mapping[str, Floats]) -> Float64s:
        """P(fraud) [N], strictly inside (0, 1)."""
        return bounded_probability(self.log_odds(logits))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "members": list(self.members),
            "weights": list(self.weights),
            "shift": self.shift,
            "converged": self.converged,
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Hybrid":
        """The inverse of `to_dict`."""
        return cls(
            tuple(values["members"]), tuple(values["weights"]), values["shift"], values["converged"], values["note"]
        )


def fit_hybrid(labels: Floats, logits: Mapping[str, Floats], *, weights: Floats | None = None) -> Hybrid:
    """The combination of least log loss among those whose weights are all ≥ 0 (stacking; Breiman, 1996).

    A negative weight on a model of the same target is noise fitted. The log loss is convex, so the best combination
    under the bound is the best free fit of some subset of the members whose weights come out positive; each member
    alone is such a subset, and on the rows of the fit the hybrid is never worse than any of them.

    Args:
        labels: [N], 0 or 1.
        logits: [N] per member.
        weights: for how many rows each row stands [N]; None where each is one.

    Raises:
        InputError: no member, lengths differ, a logit is not finite, or one class is missing.
    """
    label = _checked(labels, logits)
    names, base = tuple(logits), base_rate_fit(label, weights)
    note = "no member ranks frauds above the rest"
    best = Hybrid(names, (0.0,) * len(names), float(base.coefficients[0]), converged=False, note=note)
    least = base.log_loss
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            columns = [np.asarray(logits[name], dtype=np.float64) for name in chosen]
            fit = fit_logistic(np.column_stack([*columns, np.ones_like(label)]), label, weights=weights)
            if fit.log_loss < least and (fit.coefficients[:-1] >= 0).all():
                best, least = _combined(names, chosen, fit), fit.log_loss
    return best


def member_map(calibrator: Calibrator) -> Calibrator:
    """What a member's log odds go through before they are combined: its calibrator, unless that is a step map.

    A map of one to three parameters loses nothing by being fitted on the rows that the combination is fitted on. Steps
    do: they tie rows that the member tells apart, and know those very rows. The combination is an affine map itself.
    """
    return Identity() if isinstance(calibrator, Isotonic) else calibrator


def _checked(labels: Floats, logits: Mapping[str, Floats]) -> Float64s:
    """The labels as float64, once they and the logits can be fitted on."""
    label = np.asarray(labels, dtype=np.float64)
    faults = [f"'{name}' has shape {np.shape(each)}" for name, each in logits.items() if np.shape(each) != label.shape]
    if not logits or faults:
        raise ValueError(f"a hybrid needs logits of shape {label.shape} of one member or more, got {faults or 'none'}")
    unfit = [name for name, each in logits.items() if not np.isfinite(each).all()]
    if unfit or label.sum() in (0, len(label)):
        raise InputError(
            f"a hybrid needs finite logits and both classes, got {int(label.sum())} frauds, not finite: {unfit}"
        )
    return label


def _combined(names: tuple[str, ...], chosen: tuple[str, ...], fit: LogisticFit) -> Hybrid:
    """The fit of some members as a combination of all, those left out with weight 0."""
    weight = dict(zip(chosen, fit.coefficients[:-1].tolist(), strict=True))
    note = "" if fit.converged else "a weight ran to its bound: the logits separate the classes"
    weights = tuple(weight.get(name, 0.0) for name in names)
    return Hybrid(names, weights, float(fit.coefficients[-1]), fit.converged, note)
