"""The guards of a refit: a pure function from evidence to checks; all must hold, or the judged model ships.

No number was measured on the refit itself, which has seen the newest labels. So its recipe is asked as it would have
shipped at earlier moments, its newest rows are asked whether they can be trusted, and what it says of rows that nobody
has labelled is held against what the recipe would have said without the newest labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.formatting import number, signed
from evaluation.gate import Check, Comparison, Status
from evaluation.statistics.agreement import Agreement
from evaluation.statistics.confidence_sequence import WatchedDifference
from evaluation.statistics.intervals import Interval

RANK_CORRELATION, STABILITY, PROMISED, ALERTS = 0.95, 0.1, 1.25, 1.3
"""Within these two models agree on rows without labels: at least, at most, and at most such a factor up or down."""
USUAL = 1.5
"""How many times as far as the two fits before it may a refit be from the last one of them, where those are further."""
ORDERED = 0.6
"""ROC AUC from which the newest labels have something to do with what was known before."""


@dataclass(frozen=True)
class RefitLimits:
    """What the configuration says: [refit] margin and min_frauds, and the gate's band of observed/expected."""

    margin: float
    min_frauds: int
    band: tuple[float, float]


@dataclass(frozen=True)
class RefitEvidence:
    """What guards look at.

    Attributes:
        problem: why there is no refit at all, else empty; the rest may then be missing.
        feed_faults: what is wrong with the newest rows, in words.
        window_frauds: frauds that the refit learned from.
        pooled_frauds: frauds among the rows that its maps were fitted on.
        surrogate: the recipe as it would have shipped, against the judged model, on rows that neither had seen.
        newest_order: ROC AUC of the recipe as it would have shipped on the newest labelled rows.
        level: observed/expected of the recipe as it would have shipped.
        agreement: of the refit with a model of the recipe before it, on the newest rows without labels.
        usual: of that model with the one before it, on the same rows; None where there is none.
        confirmed: where they do not agree: the recipe fitted on part of the newest labels against the one fitted on
            none of them, on the rest; None where it was not asked.
        live: the refit in use against its judged twin, on rows that neither had seen; None where there is none.
    """

    problem: str = ""
    feed_faults: tuple[str, ...] = ()
    window_frauds: int = 0
    pooled_frauds: int = 0
    surrogate: Comparison | None = None
    newest_order: Interval | None = None
    level: Interval | None = None
    agreement: Agreement | None = None
    usual: Agreement | None = None
    confirmed: Comparison | None = None
    live: WatchedDifference | None = None


def refit_checks(evidence: RefitEvidence, *, limits: RefitLimits) -> tuple[Check, ...]:
    """Every guard's outcome; the refit ships where none is refused.

    >>> refit_checks(RefitEvidence(problem="no block could be fitted"), limits=RefitLimits(0.02, 100, (0.85, 1.15)))
    (Check(name='fit', status='refused', text='no block could be fitted', remedy=''),)
    """
    if evidence.problem:
        return (Check("fit", "refused", evidence.problem),)
    return tuple(_checks(evidence, limits))


def disagreements(found: Agreement, usual: Agreement | None = None) -> list[str]:
    """In what two models do not agree, in words; undefined counts as not agreeing.

    Fits of one recipe on moving windows differ, the more the fewer rows they have and the more the world moves. So what
    the two fits before differ by is no fault here.

    Args:
        found: of the refit with the model before it.
        usual: of that model with its own predecessor.
    """
    wrong = []
    least = RANK_CORRELATION if usual is None else min(RANK_CORRELATION, 1 - USUAL * (1 - usual.rank_correlation))
    if not found.rank_correlation >= least:
        wrong.append(f"rank correlation {number(found.rank_correlation)}, at least {number(least)} is wanted")
    most = STABILITY if usual is None else max(STABILITY, USUAL * usual.stability)
    if not found.stability <= most:
        wrong.append(f"stability index {number(found.stability)}, at most {number(most)} is wanted")
    if not _near(found.promised, PROMISED, None if usual is None else usual.promised):
        wrong.append(f"{number(found.promised, 2)} times the frauds promised")
    for name, ratio in found.alerts.items():
        before = None if usual is None else usual.alerts.get(name)
        if np.isfinite(ratio) and not found.by_chance(name) and not _near(ratio, ALERTS, before):
            wrong.append(f"{number(ratio, 2)} times the alerts at {name}")
    return wrong


def _near(ratio: float, factor: float, usual: float | None) -> bool:
    """Whether a ratio is 1 up to a factor, or up to what is usual where that is more."""
    allowed = float(np.log(factor))
    if usual is not None and usual > 0:
        allowed = max(allowed, USUAL * abs(float(np.log(usual))))
    return ratio > 0 and abs(float(np.log(ratio))) <= allowed


def _checks(e: RefitEvidence, limits: RefitLimits) -> Iterator[Check]:
    text = "; ".join(e.feed_faults) or "the newest rows are as complete as those before"
    yield Check("newest rows", "refused" if e.feed_faults else "met", text)
    yield _frauds(e, limits)
    yield _surrogate(e.surrogate, limits)
    yield _order(e.newest_order)
    yield _level(e.level, limits)
    if e.agreement is not None:
        yield _agreement(e.agreement, e.usual, e.confirmed, limits)
    if e.live is not None:
        yield _live(e.live)


def _frauds(e: RefitEvidence, limits: RefitLimits) -> Check:
    met = min(e.window_frauds, e.pooled_frauds) >= limits.min_frauds
    text = (
        f"{e.window_frauds:,} frauds to learn from and {e.pooled_frauds:,} to fit maps on, "
        f"{'and' if met else 'but'} {limits.min_frauds:,} of each are needed"
    )
    return Check("enough frauds", "met" if met else "refused", text)


def _surrogate(c: Comparison | None, limits: RefitLimits) -> Check:
    """Not shown to be worse than the judged model, and by more than the margin.

    To ask for proof that it is not worse would hold every second refit back where the world stands still: on a thousand
    frauds of the simulated world, which come in bursts, the standard error of the difference is 1 % of the loss, half
    of the usual margin.
    """
    if c is None or not c.log_loss.low <= c.log_loss.high:
        return Check("surrogate", "refused", "the recipe could not be compared with the judged model on newer rows")
    limit = limits.margin * c.other_log_loss
    loss = c.log_loss
    refused = loss.low > 0 and loss.value > limit
    text = (
        f"as it would have shipped the recipe had log loss {signed(loss.value, 5)} ({signed(loss.low, 5)} to "
        f"{signed(loss.high, 5)}) against {c.name} on {c.frauds:,} frauds among {c.rows:,} rows, "
        f"{'worse' if refused else 'not shown to be worse'} by more than {number(limit, 5)}"
    )
    status: Status = "refused" if refused else "met" if loss.high < limit else "open"
    return Check("surrogate", status, text)


def _order(i: Interval | None) -> Check:
    """The newest labels must have something to do with what was known before: mixed-up labels have nothing."""
    if i is None or not i.low <= i.high:
        return Check(
            "newest labels", "refused", "too few of the newest labels are known to tell whether they are right"
        )
    text = f"the newest labels follow what was known before: ROC AUC {_with_interval(i)}"
    if i.low > 0.5 and i.value >= ORDERED:
        return Check("newest labels", "met", text)
    refused = (
        f"the newest labels have nothing to do with what was known before (ROC AUC {_with_interval(i)}, at least "
        f"{ORDERED:g} is wanted): they may belong to other rows"
    )
    return Check("newest labels", "refused", refused)


def _level(i: Interval | None, limits: RefitLimits) -> Check:
    low, high = limits.band
    if i is None or not (i.low <= high and i.high >= low):
        found = "is not known" if i is None else f"is {_with_interval(i)}, wholly outside [{low:g}, {high:g}]"
        return Check("level", "refused", f"observed/expected of the recipe as it would have shipped {found}")
    text = (
        f"observed/expected of the recipe as it would have shipped is {_with_interval(i)}, within [{low:g}, {high:g}]"
    )
    return Check("level", "met" if low <= i.low and i.high <= high else "open", text)


def _agreement(found: Agreement, usual: Agreement | None, confirmed: Comparison | None, limits: RefitLimits) -> Check:
    """Not agreeing is no fault where later labels do not say that what the newest ones taught is wrong.

    Those are the labels of half a block: to ask for proof that it is right would hold a refit back just after the
    world has changed, when it is needed most. So wrong is what is shown to be worse, or found worse by the margin.
    """
    wrong = disagreements(found, usual)
    if not wrong:
        text = (
            f"on {found.rows:,} rows without labels it agrees with the recipe of a block ago: rank correlation "
            f"{number(found.rank_correlation)}, stability index {number(found.stability)}, "
            f"{number(found.promised, 2)} times the frauds promised"
        )
        return Check("agreement", "met", text)
    text = f"it does not agree with the recipe of a block ago on {found.rows:,} rows without labels: {'; '.join(wrong)}"
    if confirmed is None or not confirmed.log_loss.low <= confirmed.log_loss.high:
        return Check("agreement", "refused", f"{text}; no later labels say who is right")
    loss = confirmed.log_loss
    said = (
        f"on {confirmed.frauds:,} later frauds among {confirmed.rows:,} rows what the newest labels taught changed the "
        f"log loss by {signed(loss.value, 5)} ({signed(loss.low, 5)} to {signed(loss.high, 5)})"
    )
    refused = loss.low > 0 or loss.value > limits.margin * confirmed.other_log_loss
    return Check("agreement", "refused" if refused else "warned", f"{text}; {said}")


def _live(found: WatchedDifference) -> Check:
    text = (
        f"the refit in use has log loss {signed(found.value, 5)} ({signed(found.low, 5)} to {signed(found.high, 5)}) "
        f"against its judged twin, on {found.frauds:,} frauds of {found.days} days that neither had seen"
    )
    return Check("refit in use", "refused" if found.worse else "met" if found.better else "open", text)


def _with_interval(i: Interval) -> str:
    return f"{number(i.value)} ({number(i.low)} to {number(i.high)})"
