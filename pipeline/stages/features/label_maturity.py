"""Whether the frauds of test have all been reported, told from the file's own report dates.

Without an as-of moment a file is history and its labels count as complete. Where its newest frauds are still to be
reported, test looks more honest than it was, and every map fitted before looks too bold on it.
"""

from collections.abc import Iterator

import numpy as np

from evaluation.statistics.label_delay import FEWEST_KNOWN, RIPE, fit_label_curves
from features.split import Fold
from features.times import DAY, time_text
from pipeline.stages.artifacts.features_report import COMPLETE, LabelMaturity
from pipeline.stages.features.label_weights import LabelTimes


def label_maturity(labels: LabelTimes, test: Fold) -> LabelMaturity | None:
    """How much of test's fraud is thought to be in the file; None where frauds have no report dates of their own.

    The file is taken to know what came up to its last event or, where that is later, its tenth-latest report of a
    fraud: single dates may be mistaken. Frauds of test dated up to then, each counted 1 / P(reported at its age) times,
    are those that it should have; all that it has, whatever their date, are the known ones.
    """
    frauds = labels.label == 1
    delay = (labels.available_at - labels.event_time)[frauds]
    if frauds.sum() < FEWEST_KNOWN or delay.min() == delay.max():
        return None
    latest = np.partition(labels.available_at[frauds], -FEWEST_KNOWN)[-FEWEST_KNOWN]
    moment = max(int(labels.event_time.max()), int(latest))
    curves = fit_label_curves(labels.label, labels.event_time, labels.available_at, deadline=moment)
    rows = (labels.event_time > test.start) & (labels.event_time <= test.end)
    known = curves.known_share(fraud=True, age=(moment - labels.event_time[rows]).astype(np.float64))
    ripe, fraud = known >= RIPE, frauds[rows]
    seen = fraud & ripe & (labels.available_at[rows] <= moment)
    expected = float((1.0 / known[seen]).sum())
    noise = float(np.sqrt(((1.0 - known[seen]) / known[seen] ** 2).sum()))
    complete_after = 0.0 if curves.fraud is None else curves.fraud.reaching(COMPLETE)
    counted = float(fraud.sum()) * float(ripe.mean())
    return LabelMaturity(
        moment=moment,
        reported=_share(counted, expected),
        reported_at_most=_share(counted, expected - 1.96 * noise),
        complete_after_days=complete_after / DAY,
    )


def _share(part: float, whole: float) -> float | None:
    return min(1.0, part / whole) if whole > 0 else None


def maturity_warnings(maturity: LabelMaturity | None) -> Iterator[str]:
    """That frauds of test are still to be reported, where less than 95 % of them are thought to be in the file."""
    if maturity is not None and not maturity.complete:
        yield (
            f"only {maturity.reported:.0%} of the frauds of test are thought to be reported yet, as the report dates "
            f"up to {time_text(maturity.moment)} go: its fraud rate is too low by as much, so that every candidate "
            f"looks too bold there (observed/expected too low), and the gate may refuse for that alone. Give --as-of "
            f"the moment of the file, or let test end earlier; {COMPLETE:.0%} of the frauds are reported after "
            f"{maturity.complete_after_days:.0f} days, which labels.delay should not be far below"
        )
