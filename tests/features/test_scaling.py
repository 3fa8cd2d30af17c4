import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.scaling import NumericScaling, certain_knots, fit_scaling, quantile_knots, signed_log


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), max_size=60),
    count=st.integers(2, 12),
)
def test_knots_increase_and_are_values_of_the_column(values, count):
    column = np.array(values, np.float32)
    knots = quantile_knots(column, count=count)
    assert (np.diff(knots) > 0).all()
    assert np.isin(knots, column).all()
    assert len(values) == 0 or {column.min(), column.max()} <= set(knots.tolist())


def test_a_heavy_value_takes_one_knot_and_leaves_the_rest():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)]).astype(np.float32)
    knots = quantile_knots(values, count=11)
    assert len(knots) == 11
    assert knots[0] == 0
    assert knots[-1] == 100


def test_scaling_centres_a_heavy_tail():
    values = np.random.default_rng(0).lognormal(5, 2, 5000).astype(np.float32)
    scaled = fit_scaling([values], knots=8).apply(values[:, None])
    assert abs(np.median(scaled)) < 0.01
    assert 0.8 < scaled.std() < 1.2
    assert np.abs(scaled).max() < 6


def test_a_missing_number_becomes_zero_and_an_indicator():
    columns = [np.array([1, np.nan, 3], np.float32), np.array([1, 2, 3], np.float32)]
    scaling = fit_scaling(columns, knots=4)
    scaled = scaling.apply(np.stack(columns, axis=1))
    assert scaled.shape == (3, 3)
    assert scaled[1, 0] == 0
    assert scaled[:, 2].tolist() == [0, 1, 0]


@pytest.mark.parametrize("values", [[], [5.0], [2.0, 2.0, 2.0], [np.nan, np.nan], [0.0] * 9 + [7.0]])
def test_degenerate_columns_scale_to_finite_numbers(values):
    column = np.array(values, np.float32)
    scaling = fit_scaling([column], knots=4)
    assert scaling.scale[0] > 0
    assert np.isfinite(scaling.apply(column[:, None])).all()


def test_signed_log_passes_through_zero_and_keeps_signs():
    assert signed_log(np.array([-np.e + 1, 0, np.e - 1], np.float32)).tolist() == pytest.approx([-1, 0, 1])


def skewed(rows=10_000):
    return np.random.default_rng(1).lognormal(3, 1, rows).astype(np.float32)


def test_a_tail_of_frauds_has_knots_that_leave_a_hundredth_and_a_thousandth_above_them():
    values = skewed(100_000)
    knots = certain_knots(values, (values > np.quantile(values, 0.98)).astype(np.float32))
    assert [(values > knot).sum() for knot in knots] == [1000, 100]
    assert np.isin(knots, values).all()


def test_a_tail_that_may_be_fraud_by_chance_has_no_knot():
    values = skewed()
    top = np.flatnonzero(values > np.quantile(values, 0.99, method="inverted_cdf"))
    half, most = np.zeros(len(values), np.float32), np.zeros(len(values), np.float32)
    half[top[:55]], most[top[:65]] = 1, 1
    assert certain_knots(values, half).tolist() == []
    assert len(certain_knots(values, most)) == 1


def test_rows_of_unknown_label_say_nothing_and_missing_values_are_in_no_tail():
    values = skewed()
    labels = (values > np.quantile(values, 0.99)).astype(np.float32)
    known = certain_knots(values, labels)
    holed, doubled = np.where(np.arange(len(values)) % 2, values, np.nan), np.repeat(values, 2)
    assert len(certain_knots(holed.astype(np.float32), labels)) == len(known) == 1
    assert certain_knots(doubled, np.where(np.arange(len(doubled)) % 2, np.repeat(labels, 2), np.nan)).tolist() == known
    assert certain_knots(values, np.full_like(labels, np.nan)).tolist() == []


def test_tails_survive_their_file_and_an_older_file_has_none():
    values = np.arange(3000, dtype=np.float32)
    scaling = fit_scaling([values], knots=4, labels=(values > 2900).astype(np.float32))
    assert scaling.tails[0].tolist() == [2969.0]
    state = json.loads(json.dumps(scaling.to_dict()))
    assert NumericScaling.from_dict(state).tails[0].tolist() == scaling.tails[0].tolist()
    del state["tails"]
    assert NumericScaling.from_dict(state).tails[0].tolist() == []
