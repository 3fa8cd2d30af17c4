"""Carried over to other knots, scales and codes, a network says what it said."""

from dataclasses import replace

import numpy as np
import pytest

from models.losses import LossSettings
from models.network import Architecture, constant_arrays, initial_arrays, margins
from models.rows import RowArrays
from models.training.warm_start import WarmStart, carried_weights, differences

OLD = Architecture(
    knots=((0.0, 1.0, 4.0, 9.0), (-2.0, 2.0), ()),
    center=(0.4, 0.0, 1.0),
    scale=(0.7, 1.0, 2.0),
    cardinalities=(5,),
    lookup_rows=(5,),
    lookup_widths=(2,),
)
SAME_CODES = [(np.arange(1, 5), np.arange(1, 5))]
RNG = np.random.default_rng(3)
WEIGHTS = {name: array + 0.3 * RNG.normal(size=array.shape) for name, array in initial_arrays(OLD, rng=RNG).items()}
STATE = constant_arrays(OLD) | {name: array.astype(np.float32) for name, array in WEIGHTS.items()}


def rows(first, *, codes=None):
    first = np.asarray(first, np.float32)
    numeric = np.stack([first, np.linspace(-3, 3, len(first)), np.full(len(first), np.nan)], axis=1)
    codes = np.zeros(len(first), np.int32) if codes is None else np.asarray(codes, np.int32)
    ones = np.ones(len(first), np.float32)
    return RowArrays(numeric.astype(np.float32), codes[:, None], ones, ones, np.arange(len(first)))


def carried(architecture, codes=SAME_CODES):
    return constant_arrays(architecture) | carried_weights(STATE, architecture, codes=codes)


def test_the_same_architecture_gets_the_same_weights():
    again = carried(OLD)
    assert again.keys() == STATE.keys()
    for name, array in STATE.items():
        np.testing.assert_allclose(again[name], array, atol=1e-6)


def test_other_scales_and_finer_knots_change_no_margin():
    moved = replace(
        OLD,
        knots=((0.0, 0.5, 1.0, 2.0, 4.0, 6.0, 9.0), (-2.0, 0.0, 2.0), ()),
        center=(0.9, -0.3, 0.0),
        scale=(1.1, 0.8, 1.0),
    )
    seen = rows([*np.linspace(-1, 11, 60), np.nan])
    np.testing.assert_allclose(margins(carried(moved), seen), margins(STATE, seen), atol=1e-5)


def test_moved_knots_are_exact_at_themselves_and_for_missing_values():
    moved = replace(OLD, knots=((0.3, 2.5, 7.0), (-1.0, 1.5), ()))
    at_knots = rows([0.3, 2.5, 7.0, np.nan])
    at_knots.numeric[:, 1] = np.array([-1.0, 1.5, np.nan, -1.0])
    np.testing.assert_allclose(margins(carried(moved), at_knots), margins(STATE, at_knots), atol=1e-5)
    between = rows([4.5])
    assert margins(carried(moved), between)[0] != pytest.approx(margins(STATE, between)[0], abs=1e-4)


def test_a_category_keeps_its_row_under_another_code_and_a_new_one_is_unknown():
    grown = replace(OLD, cardinalities=(6,), lookup_rows=(6,))
    pairs = [(np.arange(1, 6), np.array([3, 1, 0, 4, 2]))]
    now, then = rows(np.ones(6), codes=range(6)), rows(np.ones(6), codes=[0, 3, 1, 0, 4, 2])
    then.numeric[:] = now.numeric
    np.testing.assert_allclose(margins(carried(grown, pairs), now), margins(STATE, then), atol=1e-5)


def test_categories_that_share_a_row_get_the_mean_of_theirs():
    folded = replace(OLD, lookup_rows=(3,))
    table = carried(folded)["lookup_0"]
    np.testing.assert_allclose(table[1], STATE["lookup_0"][[1, 3]].mean(0), atol=1e-6)
    np.testing.assert_allclose(table[2], STATE["lookup_0"][[2, 4]].mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"knots": ((),) * 3}, "the use of bins was True and is False"),
        ({"numeric_form": "piecewise"}, "the use of scaled values was True and is False"),
        ({"hidden": 32}, "the width of the hidden layer was 64 and is 32"),
        ({"lookup_widths": (3,)}, r"the widths of the lookups was \[2\] and is \[3\]"),
        ({"cardinalities": (), "lookup_rows": (), "lookup_widths": ()}, "lookups"),
        (
            {"knots": OLD.knots[:2], "center": (0.0, 0.0), "scale": (1.0, 1.0)},
            "number of numeric columns was 3 and is 2",
        ),
    ],
)
def test_another_network_is_refused_with_what_differs(other, reason):
    assert differences(STATE, OLD) == []
    with pytest.raises(ValueError, match=reason):
        carried_weights(STATE, replace(OLD, **other), codes=SAME_CODES)


def test_a_start_is_the_network_of_the_closest_smoothing_with_the_weights_own_margin():
    twin = STATE | {"output_bias": STATE["output_bias"] + 1}
    start = WarmStart(((STATE, LossSettings(0.1, ratio=4.0)), (twin, LossSettings(0.0, ratio=4.0))))
    np.testing.assert_array_equal(start.of(LossSettings(0.15, ratio=4.0))["output_bias"], STATE["output_bias"])
    other = start.of(LossSettings(0.0, ratio=12.0))
    seen = rows(np.linspace(0, 9, 20))
    np.testing.assert_allclose(margins(other, seen) - margins(twin, seen), np.log(3), atol=1e-5)
    assert other["hidden_weight"] is twin["hidden_weight"]
