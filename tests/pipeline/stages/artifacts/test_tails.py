"""What the tails promise and what is seen in them, against counts by hand."""

import numpy as np
import pytest

from models.losses import LossSettings, posterior
from pipeline.stages.artifacts.tails import tails

MARGINS = np.array([-9.0, -8.0, 0.0, 9.0, -9.0])
LABELS = np.array([1.0, 0.0, 1.0, 1.0, np.nan])


def found(**keywords):
    return tails({"mlp": posterior(MARGINS, LossSettings(0.1))}, LABELS, **keywords)["mlp"]


def test_rows_and_frauds_of_a_tail_are_those_of_known_label_inside_it():
    low, high = found()["low"], found()["high"]
    assert (low.rows, low.frauds, low.share) == (2, 1, pytest.approx(0.5))
    assert (high.rows, high.frauds) == (1, 1)


def test_what_is_promised_is_the_sum_of_probabilities_and_the_ratio_is_to_the_frauds():
    p = posterior(MARGINS, LossSettings(0.1)).probability
    low = found()["low"]
    assert low.promised == pytest.approx(p[:2].sum())
    assert low.observed_promised == pytest.approx(1 / p[:2].sum())


def test_a_row_of_weight_three_counts_three_times_on_both_sides():
    p = posterior(MARGINS, LossSettings(0.1)).probability
    low = found(weight=np.array([3.0, 1.0, 1.0, 1.0, 1.0]))["low"]
    assert low.promised == pytest.approx(3 * p[0] + p[1])
    assert low.observed_promised == pytest.approx(3 / (3 * p[0] + p[1]))


def test_an_exact_inverse_has_empty_tails_and_no_ratio():
    low = tails({"mlp": posterior(MARGINS, LossSettings())}, LABELS)["mlp"]["low"]
    assert (low.rows, low.frauds, low.promised, low.observed_promised) == (0, 0, 0.0, None)
