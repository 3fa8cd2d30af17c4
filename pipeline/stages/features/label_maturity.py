"""Whether the frauds of test have all been reported, told from the file's own report dates.

Without an as-of moment a file is history and its labels count as complete. Where its newest frauds are still to be
reported, test looks more honest than it was, and every map fitted before looks too bold on it.
"""

from collections.abc import Iterator

import numpy as np

from evaluation.statistics.label_delay import FEWEST_KNOWN, RIPE, fit_label_curves
from evaluation.statistics.sample import Floats, Mask
from features.split import Fold
from features.times import DAY, time_text
from pipeline.stages.artifacts.features_report import COMPLETE, LabelMaturity
from pipeline.stages.features.label_weights import LabelTimes


def label_maturity(labels: LabelTimes, test: Fold) -> LabelMaturity | None:
    """How much of test's fraud is thought to be in the file; None where too few frauds have report dates of their own.

    The file is taken to know what came up to its last event or, where that is later, its tenth-latest report of a
    fraud: single dates may be mistaken. Frauds of test dated up to then, each counted 1 / P(reported at its age) times,
    are those that it should have; all that it has, whatever their date, are the known ones. Three frauds or fewer may
    not bound what it should have: then its rows' ages tell, where most are too young for a fifth to be reported.
    """
    frauds = labels.label == 1
    delay = (labels.available_at - labels.event_time)[frauds]
    if frauds.sum() < FEWEST_KNOWN or delay.min() == delay.max():
        return None
    latest = np.partition(labels.available_at[frauds], -FEWEST_KNOWN)[-FEWEST_KNOWN]
    moment = max(int(labels.event_time.max()), int(latest))
    curves = fit_label_curves(labels.label, labels.event_time, labels.available_at, deadline=moment)
    if curves.fraud is None:
        return None
    rows = (labels.event_time > test.start) & (labels.event_time <= test.end)
    known = curves.known_share(fraud=True, age=(moment - labels.event_time[rows]).astype(np.float64))
    ripe, fraud = known >= RIPE, frauds[rows]
    seen = fraud & ripe & (labels.available_at[rows] <= moment)
    reported, at_most = _reported(known, seen, float(fraud.sum()))
    return LabelMaturity(
        moment=moment,
        reported=reported if ripe.any() else None,
        reported_at_most=at_most if ripe.any() else None,
        complete_after_days=curves.fraud.reaching(COMPLETE) / DAY,
    )


def _reported(known: Floats, seen: Mask, frauds: float) -> tuple[float, float]:
    """The share of frauds reported and the upper end of its interval, from P(reported) at the ages of test's rows."""
    ripe, share = float((known >= RIPE).mean()), known[seen]
    counted, expected = frauds * ripe, float((1.0 / share).sum())
    least = expected - 1.96 * float(np.sqrt(((1.0 - share) / share**2).sum()))
    if least > 0:
        return min(1.0, counted / expected), min(1.0, counted / least)
    by_age = float(known.mean())
    return by_age, by_age if ripe < 0.5 else 1.0


def maturity_warnings(maturity: LabelMaturity | None) -> Iterator[str]:
    """That frauds of test are still to be reported, where less than 95 % of them are thought to be in the file."""
    if maturity is None or maturity.complete:
        return
    dates = f"as the report dates up to {time_text(maturity.moment)} go"
    if maturity.reported is None:
        finding = (
            "test is too young: fewer than a fifth of the frauds of any of its ages are known, "
            f"{dates}: its fraud rate is far too low"
        )
    else:
        finding = (
            f"only {maturity.reported:.0%} of the frauds of test are thought to be reported yet, {dates}: its fraud "
            "rate is too low by as much"
        )
    yield (
        f"{finding}, so that every candidate looks too bold there (observed/expected too low), and the gate may refuse "
        f"for that alone. Give --as-of the moment of the file, or let test end earlier; {COMPLETE:.0%} of the frauds "
        f"are reported after {maturity.complete_after_days:.0f} days, which labels.delay should not be far below"
    )
