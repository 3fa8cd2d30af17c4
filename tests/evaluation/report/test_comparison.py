"""One model against another, as the gate wants it."""

import numpy as np
import pytest
from scipy.special import expit

from evaluation.options import BootstrapSettings
from evaluation.report.comparison import comparison, no_comparison
from evaluation.statistics.intervals import paired_bootstrap
from evaluation.statistics.scores import log_loss


def compared(*, ranking: bool = True):
    rng = np.random.default_rng(3)
    z = rng.normal(-2, 1.5, 4_000)
    labels = (rng.random(4_000) < expit(z)).astype(float)
    candidates = {"one": expit(z), "other": expit(z + rng.normal(0, 0.7, 4_000))}
    settings = BootstrapSettings(resamples=200, ranking=ranking)
    drawn = paired_bootstrap(labels, candidates, clusters=np.arange(4_000), rng=rng, settings=settings)
    found = comparison(drawn, "one", "other", name="champion 7", rows=4_000, frauds=int(labels.sum()))
    return found, log_loss(labels, candidates["one"]), log_loss(labels, candidates["other"])


def test_the_difference_is_that_of_the_two_and_relative_to_the_other():
    found, own, other = compared()
    assert found.log_loss.value == pytest.approx(own - other)
    assert found.relative == pytest.approx((own - other) / other)
    assert found.average_precision.value > 0


def test_the_likely_interval_lies_inside_the_wide_one():
    found, _, _ = compared()
    assert found.log_loss.low < found.log_loss_likely.low < found.log_loss_likely.high < found.log_loss.high


def test_without_draws_of_ranks_average_precision_is_undefined():
    found, _, _ = compared(ranking=False)
    assert np.isnan(found.average_precision.value)


def test_what_cannot_be_compared_has_a_reason_and_no_number():
    found = no_comparison("champion 7", rows=10, frauds=0, reason="one class only")
    assert found.log_loss.reason == "one class only"
    assert np.isnan(found.relative)
