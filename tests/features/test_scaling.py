import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.scaling import fit_scaling, quantile_knots, signed_log


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
