import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_score

from evaluation.statistics.alerts import CardTimes, card_precision, precision_at, share_negatives_above
from evaluation.statistics.sample import DAY
from tests.oracles.evaluation import handbook_card_precision


def test_precision_at_half_equals_scikit_learn():
    rng = np.random.default_rng(1)
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    assert precision_at(y, p) == pytest.approx(precision_score(y, p >= 0.5))
    assert np.isnan(precision_at(y, p / 3))


def test_share_of_negatives_above_is_strict():
    y, p = np.array([0, 0, 0, 1.0]), np.array([0.95, 0.96, 0.1, 0.99])
    assert share_negatives_above(y, p) == pytest.approx(1 / 3)
    assert np.isnan(share_negatives_above([1], [0.99]))


@pytest.mark.parametrize("seed", range(5))
def test_card_precision_equals_the_handbook_code(seed):
    rng = np.random.default_rng(seed)
    rows = 600
    card, day = rng.integers(0, 40, rows), rng.integers(0, 9, rows)
    p = rng.permutation(rows) / rows
    y = (rng.random(rows) < p**3).astype(float)
    ours = card_precision(y, p, cards=CardTimes(card, day * DAY + rng.integers(0, DAY, rows)), top=7)
    assert ours.precision.tolist() == pytest.approx(handbook_card_precision(y, p, card, day, 7))


def test_a_found_card_is_not_found_again():
    found = card_precision([1, 1, 1.0], [0.9, 0.8, 0.7], cards=CardTimes([1, 1, 2], [0, DAY, DAY]), top=1)
    assert found.precision.tolist() == [1.0, 1.0]
    assert found.compromised.tolist() == [1, 1]


def test_cards_known_before_the_first_day_are_left_out_as_the_handbook_does():
    rng = np.random.default_rng(6)
    rows = 600
    card, day = rng.integers(0, 40, rows), rng.integers(0, 9, rows)
    p = rng.permutation(rows) / rows
    y = (rng.random(rows) < p**3).astype(float)
    known = np.isin(card, [3, 7, 11, 30])
    time = day * DAY
    ours = card_precision(y, p, cards=CardTimes(card, time, known), top=7)
    without = handbook_card_precision(y[~known], p[~known], card[~known], day[~known], 7)
    assert ours.precision.tolist() == pytest.approx(without)
    assert ours.precision.tolist() != card_precision(y, p, cards=CardTimes(card, time), top=7).precision.tolist()


@settings(max_examples=40)
@given(seed=st.integers(0, 200))
def test_card_precision_ignores_row_order_even_with_ties(seed):
    rng = np.random.default_rng(seed)
    y, p = (rng.random(60) < 0.3).astype(float), rng.integers(0, 3, 60) / 3
    card, time = rng.integers(-1, 12, 60), rng.integers(0, 4 * DAY, 60)
    order = rng.permutation(60)
    one = card_precision(y, p, cards=CardTimes(card, time), top=3)
    other = card_precision(y[order], p[order], cards=CardTimes(card[order], time[order]), top=3)
    assert one.precision.tolist() == other.precision.tolist()


def test_rows_without_a_card_are_left_out_and_no_rows_give_nan():
    assert np.isnan(card_precision([1.0], [0.9], cards=CardTimes([-1], [0])).mean)
