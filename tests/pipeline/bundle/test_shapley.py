"""Shapley values of few players: by every order they come in, and by the laws that define them."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.bundle.shapley import MOST_PLAYERS, coalitions, shapley_values


def by_every_order(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each player adds on coming in, mean over all orders."""
    players = len(worth).bit_length() - 1
    orders = list(permutations(range(players)))
    added = np.zeros(players)
    for order in orders:
        inside = 0
        for player in order:
            added[player] += worth[inside | 1 << player] - worth[inside]
            inside |= 1 << player
    return added / len(orders)


worths = st.integers(0, 4).flatmap(
    lambda players: st.lists(st.floats(-50, 50), min_size=1 << players, max_size=1 << players).map(np.array)
)


@given(worths)
def test_values_are_the_mean_over_every_order(worth: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(shapley_values(worth), by_every_order(worth), atol=1e-9)


@given(worths)
def test_values_sum_to_what_all_are_worth_beyond_none(worth: NDArray[np.float64]) -> None:
    assert shapley_values(worth).sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9)


def test_who_adds_nothing_gets_nothing_and_equals_get_the_same() -> None:
    members = coalitions(5)
    first, second, third, alike, _dummy = members.T.astype(float)
    found = shapley_values(3 * first * second + third * first + alike * first + 2 * third * alike)
    assert found[4] == pytest.approx(0, abs=1e-12)
    assert found[2] == pytest.approx(found[3])
    assert found[0] == pytest.approx(1.5 + 0.5 + 0.5)


def test_a_coalition_holds_the_players_of_its_bits() -> None:
    assert coalitions(3)[5].tolist() == [True, False, True]
    assert coalitions(0).shape == (1, 0)


def test_more_players_than_can_be_counted_out_are_refused() -> None:
    with pytest.raises(ValueError, match=f"at most {MOST_PLAYERS} players, got 13"):
        coalitions(13)
