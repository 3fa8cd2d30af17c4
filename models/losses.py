"""The weighted, smoothed (and focal) cross-entropy of S settings at once, and the way back from a margin to P(fraud).

Legend: S setting, B batch row, K class (0 legitimate, 1 fraud).

Words:

    η            the true P(fraud | x) of a row
    margin z     logit_1 − logit_0, what a network gives out before anything is undone
    target       what the loss asks for at η, between 0 and 1, once smoothing and weights are counted in
    evidence a   log odds of that target: the margin itself, unless the loss is focal
    log odds     of P(fraud), after the inverse; never a margin
    ε            label smoothing: targets are (1 − ε)·y + ε·u
    anchor u     the P(fraud) that ε pulls a target towards: 1/2 in torch's sense, π with convention "prior"
    ratio r      w_1 / w_0, the weight of fraud over that of legitimate
    prevalence π fraud rate of train, which scales the weights to a mean of 1
    γ            focal exponent; 0 is plain cross-entropy
    kept s       share of train's legitimate rows that a fit saw beside every fraud: its own odds are 1/s times too high
    tail         where the bare inverse leaves (0, 1): strictly increasing log odds beyond logit(floor)
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.errors import InputError
from models.options import CLASSES, ClassWeight, Convention, Weighting, torch_smoothing
from models.rows import Float64s, Floats

PREVALENCE_TO_FLOOR = 50.0
"""Train's fraud rate over the largest probability at which a tail may begin."""
EXACT_LOGIT = 30.0
"""Where an inverse that nothing clips hands over to the tail: 1 − σ(30) is the last comfortable float64 below 1."""
SMALL_SOFTPLUS = -15.0
"""Below this, log(softplus(x)) is x − exp(x)/2 to the last digit, and 1 + exp(x) has lost what was to be logged."""


@dataclass(frozen=True)
class LossSettings:
    """What one network of the sweep is asked to minimise.

    Attributes:
        smoothing: ε as configured, in the sense of `convention`.
        ratio: r = w1 / w0, the weight of fraud over that of legitimate.
        weighting: "example" weighs a row by its true class; "column" weighs the smoothed target's columns
            (what `torch.nn.CrossEntropyLoss(weight=, label_smoothing=)` does).
        convention: "uniform" spreads ε over both classes (torch, Keras); "non_target" over the other class alone;
            "prior" over both as often as train holds them, so that what is rare stays rare.
        gamma: exponent of the per-class focal factor (1 − p_k)^γ; 0 is plain cross-entropy.
        prior: π of convention "prior", the fraud rate of the rows that are seen; None with the others.
        kept: s, the share of train's legitimate rows that are seen, drawn without regard to anything else.
    """

    smoothing: float = 0.0
    ratio: float = 1.0
    weighting: Weighting = "example"
    convention: Convention = "uniform"
    gamma: float = 0.0
    prior: float | None = None
    kept: float = 1.0

    def __post_init__(self) -> None:
        faults = []
        if not (self.smoothing >= 0 and self.epsilon < 1):
            faults.append(f"smoothing must be in [0, 1) in torch's sense, got {self.smoothing} ({self.convention})")
        if (self.convention == "prior") != (self.prior is not None):
            faults.append(f"a prior belongs to convention 'prior' alone, got {self.prior} ({self.convention})")
        if not 0 < self.anchor < 1:
            faults.append(f"the prior must lie strictly between 0 and 1, got {self.prior}")
        if not (self.ratio > 0 and np.isfinite(self.ratio)):
            faults.append(f"the ratio of class weights must be a finite number > 0, got {self.ratio}")
        if not 0 < self.kept <= 1:
            faults.append(f"the share of legitimate rows that are kept must be in (0, 1], got {self.kept}")
        if not (self.gamma >= 0 and np.isfinite(self.gamma)):
            faults.append(f"gamma must be a finite number ≥ 0, got {self.gamma}")
        if faults:
            raise InputError("; ".join(faults))

    @property
    def epsilon(self) -> float:
        """ε of targets (1 − ε)·y + ε·u: torch's own with "uniform" and "non_target", where u is 1/2."""
        return torch_smoothing(self.smoothing, self.convention)

    @property
    def anchor(self) -> float:
        """u, the P(fraud) that smoothing pulls a target towards."""
        return 1 / CLASSES if self.prior is None else self.prior

    @property
    def lost(self) -> tuple[float, float]:
        """The share of its target that smoothing takes from each class, (of legitimate, of fraud).

        Targets lie between the first, that of a legitimate row, and 1 minus the second, that of a fraud.
        """
        return self.epsilon * self.anchor, self.epsilon * (1 - self.anchor)

    def weights(self, prevalence: float) -> tuple[float, float]:
        """(w0, w1) with w1 / w0 = r and a mean of w_y over the rows of train that are seen of 1."""
        seen = thinned_rate(prevalence, self.kept)
        legitimate = 1.0 / ((1.0 - seen) + self.ratio * seen)
        return legitimate, self.ratio * legitimate

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; the prior where there is one, the share kept where it is not all."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return values if self.kept < 1 else {name: value for name, value in values.items() if name != "kept"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LossSettings":
        """The inverse of `to_dict`."""
        return cls(**values)


def thinned_rate(prevalence: float, kept: float) -> float:
    """The fraud rate where only a share of the legitimate rows is kept; with 1 / `kept`, that of all rows again.

    Example:
        >>> round(thinned_rate(0.02, 0.25), 4), round(thinned_rate(thinned_rate(0.02, 0.25), 1 / 0.25), 4)
        (0.0755, 0.02)
    """
    return prevalence if kept == 1 else prevalence / (prevalence + kept * (1 - prevalence))


def class_ratio(class_weight: ClassWeight, prevalence: float) -> float:
    """The ratio r = w1 / w0 of a named class weight, π being the fraud rate of train.

    Raises:
        InputError: π is not strictly between 0 and 1.

    Example:
        >>> [round(class_ratio(name, 0.02), 6) for name in ("none", "sqrt", "balanced")]
        [1.0, 7.0, 49.0]
    """
    if not 0 < prevalence < 1:
        raise InputError(f"the fraud rate of train must lie strictly between 0 and 1, got {prevalence}")
    odds = (1 - prevalence) / prevalence
    ratios: dict[ClassWeight, float] = {"none": 1.0, "sqrt": float(np.sqrt(odds)), "balanced": odds}
    return ratios[class_weight]


@dataclass(frozen=True)
class LossTable:
    """The settings of a sweep as tensors: one row a setting."""

    epsilon_S: torch.Tensor
    anchor_SK: torch.Tensor
    weight_SK: torch.Tensor
    by_example_S: torch.Tensor
    gamma_S: torch.Tensor
    focal: bool

    def part(self, settings: slice | torch.Tensor) -> "LossTable":
        """Some of the settings."""
        return LossTable(
            self.epsilon_S[settings],
            self.anchor_SK[settings],
            self.weight_SK[settings],
            self.by_example_S[settings],
            self.gamma_S[settings],
            self.focal,
        )


def require_label_smoothing(cross_entropy: Callable[..., object]) -> None:
    """Refuses a framework whose cross-entropy has no `label_smoothing`.

    Every ε here is meant in the sense of that argument: what a sweep finds can then be asked of the framework itself.

    Raises:
        InputError: the argument is not there.

    Example:
        >>> require_label_smoothing(torch.nn.CrossEntropyLoss)
        >>> require_label_smoothing(torch.nn.BCELoss)
        Traceback (most recent call last):
        models.errors.InputError: smoothing needs a framework whose cross-entropy takes label_smoothing ...
    """
    if "label_smoothing" not in inspect.signature(cross_entropy).parameters:
        raise InputError(
            f"smoothing needs a framework whose cross-entropy takes label_smoothing (torch from 1.10 on), got "
            f"{cross_entropy.__module__}.{cross_entropy.__qualname__}, which does not; upgrade it or set smoothing to 0"
        )


def loss_table(settings: Sequence[LossSettings], *, prevalence: float, device: torch.device) -> LossTable:
    """The settings as float32 tensors on a device, weights scaled for the fraud rate of train.

    Raises:
        InputError: there is smoothing, and torch is too old to know of it.

    Example:
        >>> table = loss_table([LossSettings(0.2, ratio=3.0)], prevalence=0.5, device=torch.device("cpu"))
        >>> table.weight_SK.tolist(), table.focal
        ([[0.5, 1.5]], False)
    """
    if any(each.epsilon > 0 for each in settings):
        require_label_smoothing(torch.nn.CrossEntropyLoss)

    def tensor(values: Sequence[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)

    return LossTable(
        epsilon_S=tensor([each.epsilon for each in settings]),
        anchor_SK=tensor([(1 - each.anchor, each.anchor) for each in settings]),
        weight_SK=tensor([each.weights(prevalence) for each in settings]),
        by_example_S=tensor([each.weighting == "example" for each in settings]),
        gamma_S=tensor([each.gamma for each in settings]),
        focal=any(each.gamma > 0 for each in settings),
    )


def target_probabilities(targets: torch.Tensor) -> torch.Tensor:
    """Targets as class probabilities [B, K], from labels [B], soft labels [B] (P(fraud)) or probabilities [B, K].

    Raises:
        ValueError: the targets are of another shape, or leave [0, 1]: a regression, or several labels a row.

    Example:
        >>> target_probabilities(torch.tensor([1.0, 0.25])).tolist()
        [[0.0, 1.0], [0.75, 0.25]]
    """
    if targets.ndim == 1:
        targets = torch.stack([1 - targets.float(), targets.float()], dim=1)
    if targets.ndim != 2 or targets.shape[1] != CLASSES:
        raise ValueError(f"targets must be [B] or [B, {CLASSES}], one label a row, got shape {tuple(targets.shape)}")
    if not bool(((targets >= 0) & (targets <= 1)).all()) or not bool(((targets.sum(1) - 1).abs() < 1e-4).all()):
        raise ValueError("targets must be class probabilities: inside [0, 1] and of sum 1 in each row")
    return targets.float()


def target_coefficients(target_BK: torch.Tensor, table: LossTable) -> torch.Tensor:
    """What multiplies −log p_k: c_SBK.

    With q_k(j) = (1 − ε)·[j = k] + ε·u_k, the smoothed target of a row of class j, it is Σ_j t_j q_k(j) w_k for
    "column" and Σ_j t_j q_k(j) w_j for "example". Both are linear in t, and must be: a soft label stands for rows
    whose labels were drawn with it, and only then does the inverse that belongs to labels belong to it too.

    Example:
        >>> settings = [LossSettings(0.5, 3.0, weighting) for weighting in ("example", "column")]
        >>> table = loss_table(settings, prevalence=0.5, device=torch.device("cpu"))
        >>> target_coefficients(target_probabilities(torch.tensor([1.0])), table).tolist()
        [[[0.375, 1.125]], [[0.125, 1.125]]]
    """
    epsilon_S11 = table.epsilon_S[:, None, None]
    hard_JK = torch.eye(CLASSES, device=target_BK.device)
    smoothed_SJK = (1 - epsilon_S11) * hard_JK + epsilon_S11 * table.anchor_SK[:, None, :]
    by_example_S11 = table.by_example_S[:, None, None] > 0
    weight_SJK = torch.where(by_example_S11, table.weight_SK[:, :, None], table.weight_SK[:, None, :])
    of_class_SJK = smoothed_SJK * weight_SJK
    # written out: a matrix product might round to fewer bits on a GPU
    shares_JB1 = target_BK.T[:, :, None]
    return shares_JB1[0] * of_class_SJK[:, :1] + shares_JB1[1] * of_class_SJK[:, 1:]


def smoothed_cross_entropy(
    logits_SBK: torch.Tensor,
    target_BK: torch.Tensor,
    table: LossTable,
    *,
    denominator: float,
    row_weight_B: torch.Tensor | None = None,
) -> torch.Tensor:
    """Loss of each setting [S]: Σ_b weight_b Σ_k c_k (1 − p_k)^γ (−log p_k) / denominator, in float32.

    The denominator is a constant (the batch size): torch's own mean divides by the batch's Σ w_y, which moves the
    effective r whenever a small batch happens to hold more frauds than the next.

    Example:
        >>> table = loss_table([LossSettings(), LossSettings(gamma=1)], prevalence=0.5, device=torch.device("cpu"))
        >>> logits_SBK, target_BK = torch.zeros(2, 1, 2), target_probabilities(torch.tensor([1.0]))
        >>> [round(loss, 4) for loss in smoothed_cross_entropy(logits_SBK, target_BK, table, denominator=1).tolist()]
        [0.6931, 0.3466]
    """
    with torch.autocast(logits_SBK.device.type, enabled=False):
        coefficient_SBK = target_coefficients(target_BK.float(), table)
        if row_weight_B is not None:
            coefficient_SBK = coefficient_SBK * row_weight_B.float()[None, :, None]
        log_p_SBK = torch.log_softmax(logits_SBK.float(), dim=-1)
        if table.focal:
            # 1 − p_k of two classes is the other class's p, exact in logs where 1 − exp(log p) is not
            coefficient_SBK = coefficient_SBK * torch.exp(table.gamma_S[:, None, None] * log_p_SBK.flip(-1))
        return -(coefficient_SBK * log_p_SBK).sum(dim=(1, 2)) / denominator


@dataclass(frozen=True)
class Posterior:
    """What the inverse makes of margins.

    Attributes:
        probability: P(fraud) [N], strictly inside (0, 1).
        log_odds: of the same [N].
        tail: −1 where only the lower tail could place a row, 1 where only the upper one could, 0 elsewhere [N].
    """

    probability: Float64s
    log_odds: Float64s
    tail: NDArray[np.int8]

    @property
    def tail_share(self) -> float:
        """Share of rows in the tails; 0 where ε = 0, whose inverse is exact."""
        return float((self.tail != 0).mean()) if self.tail.size else 0.0


def tail_floor(posterior_floor: float, *, prevalence: float) -> float:
    """The probability at which the tails of an inverse begin where train's fraud rate is π: π/50 at most.

    What lies below is no probability any more, only an order. Where fraud is rare, a floor that does not move with it
    would hold most of the rows.

    Example:
        >>> tail_floor(1e-3, prevalence=0.2), tail_floor(1e-3, prevalence=0.002)
        (0.001, 4e-05)
    """
    return min(posterior_floor, prevalence / PREVALENCE_TO_FLOOR)


def posterior(margins: Floats, settings: LossSettings, *, floor: float = 1e-3) -> Posterior:
    """P(fraud | x) from a margin z = logit_1 − logit_0 of a network that minimised `settings`.

    With a(z) the log odds of the effective target (z itself unless focal): "column" gives s = σ(a − ln r) and
    η = (s − εu) / (1 − ε); "example" gives η_w = (σ(a) − εu) / (1 − ε) and odds(η) = odds(η_w) / r. With ε > 0 the
    bare inverse leaves (0, 1); below `floor` and above 1 − `floor` it goes on as logit η = ∓(logit(1 − floor) +
    log(1 + |a − a_floor|)): strictly increasing, finite, flat enough that a fraud down there costs a few nats only.
    With ε = 0 nothing clips and the inverse is exact as far as float64 reaches. All this is said of the rows that the
    network saw; where they were a share s of the legitimate ones, ln s is added to the log odds at the end, which is
    exact whatever the features (Dal Pozzolo et al., 2015).

    Args:
        margins: [N].
        settings: the loss that was minimised.
        floor: the probability at which the tails begin.

    Returns:
        Probabilities strictly inside (0, 1), and which rows lie in a tail (none where ε = 0).

    Raises:
        InputError: the floor is not inside (0, 0.5), or a margin is not finite.

    Example:
        >>> posterior(np.array([0.0, np.log(49)]), LossSettings(ratio=49.0)).probability.round(4).tolist()
        [0.02, 0.5]
        >>> posterior(np.array([-9.0, 0.0]), LossSettings(smoothing=0.1)).tail_share
        0.5
    """
    margin = np.asarray(margins, dtype=np.float64)
    if not 0 < floor < 0.5:
        raise InputError(f"posterior_floor must lie inside (0, 0.5), got {floor}")
    if not np.isfinite(margin).all():
        raise InputError(
            f"margins must be finite, got {int((~np.isfinite(margin)).sum())} of {margin.size} that are not"
        )
    evidence = margin if settings.gamma == 0 else focal_log_odds(margin, settings.gamma)
    bound = float(logit(1 - floor)) if settings.epsilon > 0 else EXACT_LOGIT
    low, high = (evidence_of_seen(sign * bound, settings) for sign in (-1.0, 1.0))
    inner = _log_odds_of(np.clip(evidence, low, high), settings)
    log_odds = np.clip(inner, -bound, bound)
    log_odds = np.where(evidence < low, -bound - np.log1p(np.maximum(low - evidence, 0)), log_odds)
    log_odds = np.where(evidence > high, bound + np.log1p(np.maximum(evidence - high, 0)), log_odds)
    log_odds = log_odds + np.log(settings.kept)
    tail = (evidence > high).astype(np.int8) - (evidence < low).astype(np.int8)
    return Posterior(expit(log_odds), log_odds, tail if settings.epsilon > 0 else np.zeros_like(tail))


def focal_log_odds(margins: Floats, gamma: float) -> Float64s:
    """Log odds of the target t whose focal optimum is q = σ(z) (Charoenphakdee et al., CVPR 2021).

    t = ℓ′(1 − q) / (ℓ′(q) + ℓ′(1 − q)) with ℓ(q) = −(1 − q)^γ log q, so the odds are ℓ′(1 − q) / ℓ′(q), taken in logs:
    −ℓ′(q) = (1 − q)^γ / q + γ (1 − q)^(γ − 1) (−log q) has no term that cancels.

    Args:
        margins: [N].
        gamma: γ > 0.

    Example:
        >>> focal_log_odds(np.array([0.0, 2.0]), 2.0).round(3).tolist()
        [0.0, 5.398]
    """
    margin = np.asarray(margins, dtype=np.float64)
    return _log_slope(-margin, gamma) - _log_slope(margin, gamma)


def evidence_at(log_odds: float, settings: LossSettings) -> float:
    """The log odds of the effective target where η has these log odds: the forward map, and `posterior` the way back.

    Example:
        >>> round(evidence_at(0.0, LossSettings(ratio=49.0)), 4)
        3.8918
        >>> round(evidence_at(30.0, LossSettings(smoothing=0.1)), 4)
        2.9444
    """
    return evidence_of_seen(log_odds - float(np.log(settings.kept)), settings)


def evidence_of_seen(log_odds: float, settings: LossSettings) -> float:
    """The same where the log odds are those of the rows that were seen, of which some legitimate ones may be missing.

    Example:
        >>> round(evidence_of_seen(0.0, LossSettings(ratio=49.0, kept=0.1)), 4)
        3.8918
    """
    shift, epsilon = float(np.log(settings.ratio)), settings.epsilon
    if epsilon == 0:
        return log_odds + shift
    lowest, _ = settings.lost
    if settings.weighting == "column":
        return float(logit((1 - epsilon) * expit(log_odds) + lowest)) + shift
    return float(logit((1 - epsilon) * expit(log_odds + shift) + lowest))


def _log_slope(margin: Float64s, gamma: float) -> Float64s:
    """log(−ℓ′(σ(z)))."""
    log_q, log_rest = -np.logaddexp(0, -margin), -np.logaddexp(0, margin)
    # −log q underflows to 0 from 745 on, where its logarithm −z still counts as much as the first term
    series = -margin - np.exp(-np.maximum(margin, -SMALL_SOFTPLUS)) / 2
    log_surprise = np.where(-margin < SMALL_SOFTPLUS, series, np.log(np.maximum(-log_q, np.finfo(np.float64).tiny)))
    slope: Float64s = np.logaddexp(gamma * log_rest - log_q, np.log(gamma) + (gamma - 1) * log_rest + log_surprise)
    return slope


def _log_odds_of(evidence: Float64s, settings: LossSettings) -> Float64s:
    """Log odds of η by the bare inverse; the caller keeps the evidence where it is defined."""
    shift, epsilon = float(np.log(settings.ratio)), settings.epsilon
    if epsilon == 0:
        return np.asarray(evidence - shift, dtype=np.float64)
    before, after = (shift, 0.0) if settings.weighting == "column" else (0.0, shift)
    of_legitimate, of_fraud = settings.lost
    # 1 − s is taken from its own sigmoid: at the upper end s − εu would lose what is left of it
    above = expit(evidence - before) - of_legitimate
    below = expit(before - evidence) - of_fraud
    tiny = np.finfo(np.float64).tiny
    log_odds: Float64s = np.log(np.maximum(above, tiny)) - np.log(np.maximum(below, tiny)) - after
    return log_odds
