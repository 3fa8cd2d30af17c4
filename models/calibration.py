"""Maps from a logit to a probability, each fitted on calib alone: `fit_*` returns a frozen map with `.apply`.

A map says what it could not do: `converged` is False and `note` tells why in words where a parameter ended at its
bound, the data are separable, or there are too few positives to fit anything.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from models.errors import InputError
from models.logistic import base_rate_fit, fit_logistic, log_odds, logistic_loss
from models.options import CalibrationConfig, Method
from models.rows import Float64s, Floats

LARGEST_LOGIT = 36.0
"""σ(36) is the last float64 that is clearly below 1."""
REPAIR_SHARE, REPAIR_ERRORS = 0.05, 3.0
"""A map is replaced where it is off by more than this share, and by more than so many standard errors."""


DEFAULT = CalibrationConfig()


@dataclass(frozen=True, kw_only=True)
class _Map(Protocol):
    """What every calibrator carries: whether its fit converged and, where a reader must be careful, why."""

    converged: bool = True
    note: str = ""
    kind: ClassVar[str]

    def log_odds(self, logits: Floats) -> Float64s:
        """Calibrated log odds [N]."""
        ...

    def apply(self, logits: Floats) -> Float64s:
        """P(fraud) [N], strictly inside (0, 1)."""
        return bounded_probability(self.log_odds(logits))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Identity(_Map):
    """σ(z): no calibration.

    Example:
        >>> Identity().apply(np.array([0.0, 2.0])).round(3).tolist()
        [0.5, 0.881]
    """

    kind: ClassVar[str] = "none"

    def log_odds(self, logits: Floats) -> Float64s:
        """The logits themselves."""
        return np.asarray(logits, dtype=np.float64)


@dataclass(frozen=True)
class Temperature(_Map):
    """σ(z / T) (Guo et al., 2017): sharpness alone, the 0.5 contour stays.

    Example:
        >>> Temperature(2.0).log_odds(np.array([-3.0, 0.0, 1.0])).tolist()
        [-1.5, 0.0, 0.5]
    """

    temperature: float
    kind: ClassVar[str] = "temperature"

    def log_odds(self, logits: Floats) -> Float64s:
        """Scaled logits z / T."""
        return np.asarray(logits, dtype=np.float64) / self.temperature


@dataclass(frozen=True)
class Affine(_Map):
    """σ(a·z + b) (Platt, 1999, on the logit): sharpness and level.

    Example:
        >>> Affine(slope=2.0, shift=-1.0).log_odds(np.array([0.0, 1.0])).tolist()
        [-1.0, 1.0]
    """

    slope: float
    shift: float
    kind: ClassVar[str] = "affine"

    def log_odds(self, logits: Floats) -> Float64s:
        """Mapped logits a·z + b."""
        return self.slope * np.asarray(logits, dtype=np.float64) + self.shift


@dataclass(frozen=True)
class Beta(_Map):
    """σ(a·log p − b·log(1 − p) + c) with p = σ(z) (Kull, Silva Filho & Flach, 2017).

    Example:
        >>> Beta(a=1.0, b=1.0, c=0.5).log_odds(np.array([-1.0, 2.0])).round(9).tolist()
        [-0.5, 2.5]
    """

    a: float
    b: float
    c: float
    kind: ClassVar[str] = "beta"

    def log_odds(self, logits: Floats) -> Float64s:
        """Mapped logits a·log p − b·log(1 − p) + c."""
        log_p, minus_log_rest = _beta_features(np.asarray(logits, dtype=np.float64))
        odds: Float64s = self.a * log_p + self.b * minus_log_rest + self.c
        return odds


@dataclass(frozen=True)
class Isotonic(_Map):
    """The monotone step function of least squares (Zadrozny & Elkan, 2002), linear between its steps.

    A pure block of n rows would say 0 or 1; it says 1 / (2n + 2) from there instead, and never crosses its neighbour.

    Example:
        >>> Isotonic(logits=(-1.0, 1.0), probabilities=(0.1, 0.5)).apply(np.array([-9.0, 0.0, 9.0])).round(9).tolist()
        [0.1, 0.3, 0.5]
    """

    logits: tuple[float, ...]
    probabilities: tuple[float, ...]
    kind: ClassVar[str] = "isotonic"

    def log_odds(self, logits: Floats) -> Float64s:
        """Log odds of the interpolated probability."""
        probability = np.interp(np.asarray(logits, dtype=np.float64), self.logits, self.probabilities)
        return log_odds(probability)


M = TypeVar("M", bound=_Map)
Calibrator = Identity | Temperature | Affine | Beta | Isotonic


def bounded_probability(log_odds: Floats) -> Float64s:
    """σ of log odds, kept strictly inside (0, 1).

    Example:
        >>> [0 < p < 1 for p in bounded_probability(np.array([-5000.0, 5000.0])).tolist()]
        [True, True]
    """
    probability: Float64s = expit(np.clip(log_odds, -LARGEST_LOGIT, LARGEST_LOGIT))
    return probability


def calibrator_from_dict(values: dict[str, Any]) -> Calibrator:
    """The inverse of `to_dict`.

    Raises:
        InputError: the kind is not one of ours.

    Example:
        >>> calibrator_from_dict(Affine(slope=1.5, shift=-0.5).to_dict())
        Affine(converged=True, note='', slope=1.5, shift=-0.5)
    """
    kinds: dict[str, Callable[..., Calibrator]] = {
        each.kind: each for each in (Identity, Temperature, Affine, Beta, Isotonic)
    }
    rest = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name != "kind"
    }
    if values.get("kind") not in kinds:
        raise InputError(f"kind of a calibrator must be one of {sorted(kinds)}, got {values.get('kind')!r}")
    return kinds[values["kind"]](**rest)


def fit_calibrator(
    labels: Floats,
    logits: Floats,
    *,
    method: Method,
    config: CalibrationConfig = DEFAULT,
    weights: Floats | None = None,
) -> Calibrator:
    """The named map, fitted; `weights` says for how many rows each row stands [N], all one where it is None.

    Example:
        >>> labels, logits = np.array([0, 1, 0, 1]), np.array([-2.0, -1.0, 1.0, 2.0])
        >>> fit_calibrator(labels, logits, method="temperature", config=CalibrationConfig(min_positives=1)).kind
        'temperature'
    """
    fits: dict[Method, Callable[..., Calibrator]] = {
        "temperature": fit_temperature,
        "affine": fit_affine,
        "beta": fit_beta,
        "isotonic": fit_isotonic,
    }
    if method == "none":
        return Identity()
    return fits[method](labels, logits, config=config, weights=weights)


def repaired_map(
    fitted: Calibrator,
    labels: Floats,
    logits: Floats,
    *,
    config: CalibrationConfig = DEFAULT,
    weights: Floats | None = None,
) -> Calibrator:
    """The map, or the affine one where it leaves what its own rows say: for maps without a level of their own.

    A temperature, or no map at all, keeps the level of the logits, and a temperature fitted at a wrong level is wrong
    too. Where level or slope is off by more than `REPAIR_SHARE` and `REPAIR_ERRORS` standard errors, refusing the
    model later would help nobody. Maps with a level, and rows of one class, change nothing.

    Args:
        fitted: a map fitted on these rows.
        labels: 0 or 1 [N].
        logits: what the map takes, finite [N].
        config: [calibration].
        weights: for how many rows each row stands [N]; None where each is one.

    Example:
        >>> labels, logits = np.repeat([0.0, 1.0, 0.0, 1.0], [900, 100, 500, 500]), np.repeat([0.0, 1.0], 1000)
        >>> repaired_map(Identity(), labels, logits).apply(np.array([0.0, 1.0])).round(6).tolist()
        [0.1, 0.5]
        >>> repaired_map(Identity(), labels, np.repeat([np.log(1 / 9), 0.0], 1000)).kind
        'none'
    """
    y, z = np.asarray(labels, dtype=np.float64), fitted.log_odds(logits)
    if not isinstance(fitted, Identity | Temperature) or y.min() == y.max():
        return fitted
    w = np.ones_like(y) if weights is None else np.asarray(weights, dtype=np.float64)
    level, slope = _off_by(y, z, w)
    if level <= 1 and slope <= 1:
        return fitted
    told = " and ".join(name for name, off in (("level", level), ("slope", slope)) if off > 1)
    note = f"the {told} of a {fitted.kind} map is off on calib, so the map is affine"
    affine = fit_affine(labels, logits, config=config, weights=weights)
    return replace(affine, note="; ".join(filter(None, (affine.note, note))))


def _off_by(labels: Float64s, logits: Float64s, weights: Float64s) -> tuple[float, ...]:
    """How far observed/expected and the slope are off 1, in units of what is still left alone."""
    p = expit(logits)
    spread, features = weights * p * (1 - p), np.column_stack([np.ones_like(logits), logits])
    expected = float(weights @ p)
    error = float(np.sqrt((weights * spread).sum())) / expected
    inverse = np.linalg.pinv((features * spread[:, None]).T @ features)
    meat = (features * (weights * spread)[:, None]).T @ features
    slope = float(fit_logistic(features, labels, weights=weights).coefficients[1])
    slope_error = float(np.sqrt((inverse @ meat @ inverse)[1, 1]))
    level = float(weights @ labels) / expected
    return tuple(abs(v - 1) / max(REPAIR_SHARE, REPAIR_ERRORS * e) for v, e in ((level, error), (slope, slope_error)))


def fit_temperature(
    labels: Floats, logits: Floats, *, config: CalibrationConfig = DEFAULT, weights: Floats | None = None
) -> Temperature:
    """The T whose σ(z / T) has the least log loss, searched over log T.

    Raises:
        InputError: lengths differ, a label is neither 0 nor 1, a logit is not finite, a weight is not above 0, or one
            class is missing.

    Example:
        >>> labels, logits = np.array([0, 0, 0, 1] * 25), np.array([-1.0, -1.0, -1.0, -1.0] * 25)
        >>> round(1 / fit_temperature(labels, logits).temperature, 4)  # log 3, what one fraud in four asks for
        1.0986
    """
    label, logit, weight = _checked(labels, logits, weights)
    share = weight / weight.sum()
    bound = float(np.log(config.max_temperature))
    found = minimize_scalar(
        lambda log_t: logistic_loss(logit * np.exp(-log_t), label, share),
        bounds=(-bound, bound),
        method="bounded",
        options={"xatol": 1e-9},
    )
    at_bound = bound - abs(float(found.x)) < 1e-4
    note = f"the temperature ended at its bound {np.exp(found.x):.4g}" if at_bound else ""
    fitted = Temperature(temperature=float(np.exp(found.x)), converged=not at_bound, note=note)
    return _with_doubts(fitted, label, logit, config)


def fit_affine(
    labels: Floats, logits: Floats, *, config: CalibrationConfig = DEFAULT, weights: Floats | None = None
) -> Affine:
    """The a·z + b of least log loss, a ≥ 0; raises as `fit_temperature`.

    Example:
        >>> labels, logits = np.array([0, 0, 0, 1] * 20 + [0, 1, 1, 1] * 20), np.repeat([0.0, 2.0], 80)
        >>> fitted = fit_affine(labels, logits)
        >>> fitted.apply(np.array([0.0, 2.0])).round(6).tolist()
        [0.25, 0.75]
    """
    label, logit, weight = _checked(labels, logits, weights)
    center = float(np.average(logit, weights=weight))
    fit = fit_logistic(np.column_stack([logit - center, np.ones_like(logit)]), label, weights=weight)
    slope, shift = (float(value) for value in fit.coefficients)
    note, converged = "", fit.converged
    if slope < 0:
        slope, shift, converged = 0.0, float(base_rate_fit(label, weight).coefficients[0]), False
        note = "the best slope is negative: the logits rank frauds last, and the map is the base rate"
    fitted = Affine(slope=slope, shift=shift - slope * center, converged=converged, note=note)
    return _with_doubts(fitted, label, logit, config)


def fit_beta(
    labels: Floats, logits: Floats, *, config: CalibrationConfig = DEFAULT, weights: Floats | None = None
) -> Beta:
    """The beta map of least log loss with a, b ≥ 0; raises as `fit_temperature`.

    Where the free optimum has a negative a or b, the better of the two maps without it is taken, as its authors do.

    Example:
        >>> labels, logits = np.array([0, 0, 0, 1] * 20 + [0, 1, 1, 1] * 20), np.repeat([-1.0, 1.0], 80)
        >>> fit_beta(labels, logits).apply(np.array([-1.0, 1.0])).round(6).tolist()
        [0.25, 0.75]
    """
    label, logit, weight = _checked(labels, logits, weights)
    log_p, minus_log_rest = _beta_features(logit)
    ones = np.ones_like(logit)
    both = fit_logistic(np.column_stack([log_p, minus_log_rest, ones]), label, weights=weight, bound=1e4)
    a, b, c = (float(value) for value in both.coefficients)
    if min(a, b) >= 0:
        return _with_doubts(Beta(a=a, b=b, c=c, converged=both.converged), label, logit, config)
    base = base_rate_fit(label, weight)
    note = "the logits rank frauds last, and the map is the base rate"
    best, least = Beta(a=0.0, b=0.0, c=float(base.coefficients[0]), converged=False, note=note), base.log_loss
    for column, is_a in ((log_p, True), (minus_log_rest, False)):
        fit = fit_logistic(np.column_stack([column, ones]), label, weights=weight, bound=1e4)
        slope, shift = (float(value) for value in fit.coefficients)
        if slope >= 0 and fit.log_loss < least:
            least = fit.log_loss
            best = Beta(a=slope if is_a else 0.0, b=0.0 if is_a else slope, c=shift, converged=fit.converged)
    return _with_doubts(best, label, logit, config)


def fit_isotonic(
    labels: Floats, logits: Floats, *, config: CalibrationConfig = DEFAULT, weights: Floats | None = None
) -> Isotonic:
    """The isotonic map with finite log odds; raises as `fit_temperature`.

    Example:
        >>> labels, logits = np.array([0, 0, 0, 0, 1, 0, 1, 1]), np.arange(8.0)
        >>> fit_isotonic(labels, logits, config=CalibrationConfig(min_positives=1)).apply(logits).round(6).tolist()
        [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.833333, 0.833333]
    """
    label, logit, weight = _checked(labels, logits, weights)
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(logit, label, weight)
    borders = np.asarray(fitted.X_thresholds_, dtype=np.float64)
    values = np.asarray(fitted.y_thresholds_, dtype=np.float64).copy()
    pure_low, pure_high = values == 0, values == 1
    if pure_low.any():
        rows = float(weight[logit <= borders[pure_low].max()].sum())
        values[pure_low] = min(0.5 / (rows + 1), float(values[~pure_low].min()) if (~pure_low).any() else 1.0)
    if pure_high.any():
        rows = float(weight[logit >= borders[pure_high].min()].sum())
        values[pure_high] = max(1 - 0.5 / (rows + 1), float(values[~pure_high].max()) if (~pure_high).any() else 0.0)
    isotonic = Isotonic(logits=tuple(borders.tolist()), probabilities=tuple(values.tolist()))
    return _with_doubts(isotonic, label, logit, config)


def cross_fitted(
    labels: Floats,
    logits: Floats,
    *,
    method: Method,
    folds: int | np.ndarray,
    config: CalibrationConfig = DEFAULT,
    weights: Floats | None = None,
) -> Float64s:
    """Probabilities [N] of each row by a map fitted on the other parts, so that a map is judged on rows it never saw.

    Args:
        labels: [N], 0 or 1.
        logits: [N].
        method: which map.
        folds: part of each row [N], or how many parts: row i of the given order is then in part i mod folds.
        config: [calibration].
        weights: for how many rows each row stands [N]; None where each is one.

    Example:
        >>> labels, logits = np.array([0, 0, 1, 1] * 2), np.array([-2.0, -1.0, 1.0, 2.0] * 2)
        >>> cross_fitted(labels, logits, method="none", folds=2).round(3).tolist()[:4]
        [0.119, 0.269, 0.731, 0.881]
    """
    part = np.arange(len(labels)) % folds if isinstance(folds, int) else folds
    probability = np.empty(len(labels))
    for held_out in np.unique(part):
        mask = part == held_out
        weight = None if weights is None else weights[~mask]
        fitted = fit_calibrator(labels[~mask], logits[~mask], method=method, config=config, weights=weight)
        probability[mask] = fitted.apply(logits[mask])
    return probability


def _beta_features(logits: Float64s) -> tuple[Float64s, Float64s]:
    """The two features log p and −log(1 − p) of p = σ(z)."""
    return -np.logaddexp(0, -logits), np.logaddexp(0, logits)


def _checked(labels: Floats, logits: Floats, weights: Floats | None) -> tuple[Float64s, Float64s, Float64s]:
    label, logit = np.asarray(labels, dtype=np.float64), np.asarray(logits, dtype=np.float64)
    weight = np.ones(len(label)) if weights is None else np.asarray(weights, dtype=np.float64)
    faults = []
    if label.shape != logit.shape or label.ndim != 1:
        raise ValueError(f"labels and logits must be [N] alike, got shapes {label.shape} and {logit.shape}")
    if weight.shape != label.shape:
        raise ValueError(f"weights must be one a label, got shape {weight.shape} for {label.shape}")
    if (odd := int((~(np.isfinite(weight) & (weight > 0))).sum())) > 0:
        faults.append(f"weights must be finite and above 0, got {odd} that are not")
    if (odd := int(((label != 0) & (label != 1)).sum())) > 0:
        faults.append(f"labels must be 0 or 1, got {odd} others")
    if (odd := int((~np.isfinite(logit)).sum())) > 0:
        faults.append(f"logits must be finite, got {odd} that are not")
    if label.sum() in (0, len(label)):
        faults.append(
            f"both classes must be there to calibrate on, got {int((label == 1).sum())} frauds in {len(label)} rows"
        )
    if faults:
        raise InputError("; ".join(faults))
    return label, logit, weight


def _with_doubts(fitted: M, labels: Float64s, logits: Float64s, config: CalibrationConfig) -> M:
    """The map, with what speaks against trusting it."""
    doubts = [fitted.note] if fitted.note else []
    positives = int(min(labels.sum(), (1 - labels).sum()))
    if logits[labels == 1].min() > logits[labels == 0].max():
        doubts.append("the logits separate the classes, so that no sharpness is too much")
    elif not fitted.converged and not doubts:
        doubts.append("the solver did not converge")
    if positives < config.min_positives:
        doubts.append(f"fitted on {positives} rows of the rarer class, fewer than {config.min_positives}")
    return replace(fitted, converged=fitted.converged and not doubts, note="; ".join(doubts))
