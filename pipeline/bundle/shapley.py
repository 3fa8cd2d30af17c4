"""Exact Shapley values of few players: what each adds, averaged over every order in which they could come in."""

from functools import cache
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_PLAYERS = 12
"""Coalitions double with each player, and so does the time they take."""


@cache
def coalitions(players: int) -> NDArray[np.bool_]:
    """Who is in each of the 2^G coalitions: player g in those whose number has bit g [2^G, G].

    >>> coalitions(2).tolist()
    [[False, False], [True, False], [False, True], [True, True]]

    Args:
        players: G, at most MOST_PLAYERS.

    Raises:
        ValueError: there are more.
    """
    if not 0 <= players <= MOST_PLAYERS:
        raise ValueError(f"exact Shapley values need at most {MOST_PLAYERS} players, got {players}")
    members: NDArray[np.bool_] = (np.arange(1 << players)[:, None] >> np.arange(players)) & 1 == 1
    members.setflags(write=False)
    return members


def shapley_values(worth: ArrayLike) -> NDArray[np.float64]:
    """Each player's share of what all are worth beyond none [G] (Shapley, 1953).

    φ_g = Σ over S without g of |S|! (G − |S| − 1)! / G! · (v(S ∪ g) − v(S)); their sum is v(all) − v(none).

    >>> shapley_values([0.0, 2.0, 4.0, 10.0]).tolist()
    [4.0, 6.0]

    Args:
        worth: v of every coalition, in the order of `coalitions` [2^G].
    """
    values = np.asarray(worth, dtype=np.float64)
    shares: NDArray[np.float64] = _weights(values.size.bit_length() - 1) @ values
    return shares


@cache
def _weights(players: int) -> NDArray[np.float64]:
    """What v of each coalition counts for each player: above 0 where the player is in, below where not [G, 2^G]."""
    members = coalitions(players)
    orders = [factorial(n) * factorial(players - 1 - n) / factorial(players) for n in range(players)]
    before = np.array([*orders, 0.0])  # nobody joins all
    size = members.sum(1)
    weights: NDArray[np.float64] = np.where(members, before[size - 1][:, None], -before[size][:, None]).T
    weights.setflags(write=False)
    return weights
