"""From margins to calibrated probabilities as graph nodes, all in double.

These are the formulas of `models.losses`, `models.calibration` and `models.hybrid`. A value is [N, 1], or [N, S] where
several candidates stand side by side.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import logit

from models.calibration import LARGEST_LOGIT, Affine, Beta, Calibrator, Identity, Isotonic, Temperature
from models.hybrid import Hybrid, member_map
from models.losses import EXACT_LOGIT, SMALL_SOFTPLUS, LossSettings, evidence_of_seen
from pipeline.stages.export.graph.nodes import Nodes


def posterior_log_odds(nodes: Nodes, margins: str, settings: Sequence[LossSettings], *, floor: float) -> str:
    """Log odds [N, S] of `models.losses.posterior` from margins [N, S], a setting a column.

    With l and h the shares that smoothing takes from legitimate and fraud, a = the evidence less its shift and
    u = exp(a), the odds before the weight is taken back are (σ(a) − l) / (σ(−a) − h) =
    ((1 − l)·u − l) / ((1 − h) − h·u): one exponential and one logarithm.
    """
    gammas = {each.gamma for each in settings}
    if len(gammas) > 1:
        columns = [nodes.column(margins, place, of=len(settings)) for place in range(len(settings))]
        pairs = zip(columns, settings, strict=True)
        return nodes.joined([posterior_log_odds(nodes, column, [each], floor=floor) for column, each in pairs])
    (gamma,) = gammas
    evidence = margins if gamma == 0 else _focal_log_odds(nodes, margins, gamma)
    bound = np.array([float(logit(1 - floor)) if each.epsilon > 0 else EXACT_LOGIT for each in settings])
    low, high = (
        np.array([evidence_of_seen(sign * limit, each) for limit, each in zip(bound, settings, strict=True)])
        for sign in (-1.0, 1.0)
    )
    kept = _clipped_by_column(nodes, evidence, low, high)
    inner = _clipped_by_column(nodes, _log_odds_of_evidence(nodes, kept, settings), -bound, bound)
    beyond = nodes.add("Sub", evidence, kept)
    tail = _log1p(nodes, nodes.add("Abs", beyond))
    of_seen = nodes.add("Add", inner, nodes.add("Mul", nodes.add("Sign", beyond), tail))
    return _by_column(nodes, "Add", of_seen, np.log([each.kept for each in settings]))


def calibrated_log_odds(
    nodes: Nodes,
    raw: str,
    names: Sequence[str],
    *,
    calibrators: Mapping[str, Calibrator],
    hybrids: Mapping[str, Hybrid],
    outputs: Sequence[str],
) -> str:
    """Calibrated log odds of `outputs` [N, O] from raw ones of `names` [N, C].

    Affine maps and combinations are one matrix product; other calibrators are applied to their column first. A member
    that a hybrid takes as it is, and not through its calibrator, has a second column, the raw one.
    """
    affine = {name: _slope_and_shift(calibrators[name]) for name in names}
    maps = {name: each or (1.0, 0.0) for name, each in affine.items()}
    curved = {name: calibrators[name] for name, each in affine.items() if each is None}
    if curved:
        untouched = _untouched_members(curved, hybrids)
        raw = _mapped_columns(nodes, raw, names, curved=curved, untouched=untouched)
        maps |= {_untouched(name): (1.0, 0.0) for name in untouched}
    weight, shift = _combinations(maps, hybrids, outputs)
    return nodes.add("Gemm", raw, nodes.constant(weight), nodes.constant(shift))


def probability_of_log_odds(nodes: Nodes, log_odds: str) -> str:
    """P(fraud), strictly inside (0, 1), of values [N, any].

    1 / (1 + exp(−z)) is written out because onnxruntime's Sigmoid has no digit right below 1e-16.
    """
    opposite = nodes.add("Neg", _clipped(nodes, log_odds, -LARGEST_LOGIT, LARGEST_LOGIT))
    return nodes.add("Reciprocal", _plus(nodes, nodes.add("Exp", opposite), 1.0))


def _combinations(
    maps: Mapping[str, tuple[float, float]], hybrids: Mapping[str, Hybrid], outputs: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [C, O] and shifts [O] that make outputs of the columns of `maps`, each a·z + b first."""
    names = list(maps)
    weight, shift = np.zeros((len(names), len(outputs))), np.zeros(len(outputs))
    for place, output in enumerate(outputs):
        hybrid = hybrids.get(output)
        members = zip(hybrid.members, hybrid.weights, strict=True) if hybrid else [(output, 1.0)]
        for name, share in members:
            member = _untouched(name) if hybrid and _untouched(name) in maps else name
            slope, constant = maps[member]
            weight[names.index(member), place] = share * slope
            shift[place] += share * constant
        shift[place] += hybrid.shift if hybrid else 0.0
    return weight, shift


def _untouched_members(curved: Mapping[str, Calibrator], hybrids: Mapping[str, Hybrid]) -> list[str]:
    """Candidates of curved maps that a hybrid takes as they are."""
    members = {member for hybrid in hybrids.values() for member in hybrid.members}
    return [name for name, each in curved.items() if name in members and member_map(each) != each]


def _mapped_columns(
    nodes: Nodes, raw: str, names: Sequence[str], *, curved: Mapping[str, Calibrator], untouched: Sequence[str]
) -> str:
    """The columns of `raw`, those of curved maps after them, and then once more the raw ones of `untouched`."""
    columns = {name: nodes.column(raw, place, of=len(names)) for place, name in enumerate(names)}
    mapped = [
        _nonlinear_log_odds(nodes, column, curved[name]) if name in curved else column
        for name, column in columns.items()
    ]
    return nodes.joined([*mapped, *(columns[name] for name in untouched)])


def _untouched(name: str) -> str:
    """The column of a candidate's log odds before its calibrator; no candidate has a space in its name."""
    return f"{name} before"


def _slope_and_shift(calibrator: Calibrator) -> tuple[float, float] | None:
    """(a, b) of a map a·z + b; None where it is none."""
    match calibrator:
        case Identity():
            return 1.0, 0.0
        case Temperature():
            return 1 / calibrator.temperature, 0.0
        case Affine():
            return calibrator.slope, calibrator.shift
    return None


def _nonlinear_log_odds(nodes: Nodes, log_odds: str, calibrator: Calibrator) -> str:
    """What `calibrator.log_odds` gives, of one that is not affine."""
    match calibrator:
        case Beta():
            rest = _softplus(nodes, log_odds)
            log_p = nodes.add("Sub", log_odds, rest)
            total = nodes.add("Add", _times(nodes, log_p, calibrator.a), _times(nodes, rest, calibrator.b))
            return _plus(nodes, total, calibrator.c)
        case Isotonic():
            return _isotonic_log_odds(nodes, log_odds, calibrator)
    raise ValueError(f"a calibrator in a graph must be one of models.calibration, got {type(calibrator).__name__}")


def _log_odds_of_evidence(nodes: Nodes, evidence: str, settings: Sequence[LossSettings]) -> str:
    shift = np.log([each.ratio for each in settings])
    of_legitimate, of_fraud = (np.array(shares) for shares in zip(*(each.lost for each in settings), strict=True))
    if not of_fraud.any():
        return _by_column(nodes, "Sub", evidence, shift)
    by_column = np.array([each.weighting == "column" for each in settings])
    odds = nodes.add("Exp", _by_column(nodes, "Sub", evidence, np.where(by_column, shift, 0.0)))
    above = _by_column(nodes, "Sub", _by_column(nodes, "Mul", odds, 1 - of_legitimate), of_legitimate)
    below = _by_column(nodes, "Add", _by_column(nodes, "Mul", odds, -of_fraud), 1 - of_fraud)
    return _by_column(nodes, "Sub", nodes.add("Log", nodes.add("Div", above, below)), np.where(by_column, 0.0, shift))


def _focal_log_odds(nodes: Nodes, margin: str, gamma: float) -> str:
    """Log odds of the target t whose focal optimum is σ(z), as `models.losses.focal_log_odds`."""
    opposite = nodes.add("Neg", margin)
    return nodes.add("Sub", _log_slope(nodes, opposite, margin, gamma), _log_slope(nodes, margin, opposite, gamma))


def _log_slope(nodes: Nodes, margin: str, opposite: str, gamma: float) -> str:
    """log(−ℓ′(σ(z))) with ℓ(q) = −(1 − q)^γ log q."""
    surprise = _softplus(nodes, opposite)
    rest = _softplus(nodes, margin)
    near_one = nodes.add("Less", opposite, nodes.number(SMALL_SOFTPLUS, like=np.float64))
    series = nodes.add("Sub", opposite, _times(nodes, nodes.add("Exp", opposite), 0.5))
    log_surprise = nodes.add("Where", near_one, series, nodes.add("Log", surprise))
    first = nodes.add("Sub", surprise, _times(nodes, rest, gamma))
    second = _plus(nodes, nodes.add("Sub", log_surprise, _times(nodes, rest, gamma - 1)), float(np.log(gamma)))
    apart = nodes.add("Neg", nodes.add("Abs", nodes.add("Sub", first, second)))
    return nodes.add("Add", nodes.add("Max", first, second), nodes.add("Softplus", apart))


def _softplus(nodes: Nodes, value: str) -> str:
    """log(1 + exp(x)), taken of −|x| because onnxruntime's Softplus of a double above 709 is infinite."""
    small = nodes.add("Softplus", nodes.add("Neg", nodes.add("Abs", value)))
    return nodes.add("Add", nodes.add("Relu", value), small)


def _isotonic_log_odds(nodes: Nodes, log_odds: str, calibrator: Isotonic) -> str:
    """Log odds of the interpolated probability: the first value plus each step times how far z has climbed it."""
    borders, values = np.array(calibrator.logits), np.array(calibrator.probabilities)
    probability = nodes.constant(values[:1, None])
    if len(borders) > 1:
        climbed = nodes.add("Sub", log_odds, nodes.constant(borders[None, :-1]))
        share = _clipped(nodes, nodes.add("Div", climbed, nodes.constant(np.diff(borders)[None])), 0.0, 1.0)
        steps = nodes.add("MatMul", share, nodes.constant(np.diff(values)[:, None]))
        probability = nodes.add("Add", steps, probability)
    else:
        probability = nodes.add("Add", _times(nodes, log_odds, 0.0), probability)
    rest = nodes.add("Sub", nodes.number(1, like=np.float64), probability)
    return nodes.add("Log", nodes.add("Div", probability, rest))


def _by_column(nodes: Nodes, operator: str, value: str, constants: np.ndarray) -> str:
    """An operator between [N, S] and a number a column; none where the numbers change nothing."""
    neutral = 1.0 if operator == "Mul" else 0.0
    return value if (constants == neutral).all() else nodes.add(operator, value, nodes.constant(constants))


def _clipped_by_column(nodes: Nodes, value: str, low: np.ndarray, high: np.ndarray) -> str:
    """A clip with borders of each column's own."""
    return nodes.add("Min", nodes.add("Max", value, nodes.constant(low)), nodes.constant(high))


def _log1p(nodes: Nodes, value: str) -> str:
    return nodes.add("Log", _plus(nodes, value, 1.0))


def _times(nodes: Nodes, value: str, factor: float) -> str:
    return nodes.add("Mul", value, nodes.number(factor, like=np.float64))


def _plus(nodes: Nodes, value: str, shift: float) -> str:
    return value if shift == 0 else nodes.add("Add", value, nodes.number(shift, like=np.float64))


def _clipped(nodes: Nodes, value: str, low: float, high: float) -> str:
    return nodes.add("Clip", value, nodes.number(low, like=np.float64), nodes.number(high, like=np.float64))
