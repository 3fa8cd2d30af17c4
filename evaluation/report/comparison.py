"""One model against another on the same rows and the same draws, as the gate wants it."""

from dataclasses import replace

from evaluation.gate import Comparison
from evaluation.statistics.intervals import UNDEFINED, Replicates

LIKELY = 0.9
"""Coverage of the interval by which a difference beyond the gate's margin counts."""

RANKED = "average_precision"


def comparison(drawn: Replicates, one: str, other: str, *, name: str, rows: int, frauds: int) -> Comparison:
    """`one` against `other`, both among the candidates drawn.

    Args:
        drawn: headline statistics of both; where none that needs the order of rows was drawn, it is undefined.
        one: the candidate that would ship.
        other: the model it is compared with.
        name: what people call the other one.
        rows: the rows drawn from.
        frauds: of these the frauds.
    """
    return Comparison(
        name=name,
        rows=rows,
        frauds=frauds,
        other_log_loss=drawn.values[other]["log_loss"],
        log_loss=drawn.difference(one, other, "log_loss"),
        log_loss_likely=replace(drawn, confidence=LIKELY).difference(one, other, "log_loss"),
        average_precision=drawn.difference(one, other, RANKED) if RANKED in drawn.values[one] else UNDEFINED,
        observed_expected=drawn.interval(other, "observed_expected"),
        own_observed_expected=drawn.interval(one, "observed_expected"),
    )


def no_comparison(name: str, *, rows: int, frauds: int, problem: str = "", reason: str = "") -> Comparison:
    """What stands where two models cannot be compared: every number undefined, with the reason."""
    unknown = UNDEFINED.because(reason)
    return Comparison(name, rows, frauds, float("nan"), unknown, unknown, unknown, unknown, unknown, problem)
