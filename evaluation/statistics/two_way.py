"""Draws of several units as one: as wide as cards and merchants together spread a statistic.

A row belongs to a card and to a merchant, and both move it. Two one-way variances added count what a card and a
merchant share twice, so that is taken off: V = V_card + V_merchant − V_cell (Cameron, Gelbach & Miller, 2011). Drawing
both at once (the pigeonhole bootstrap of Owen, 2007) would count a row's own noise three times instead of once.
"""

from collections.abc import Mapping

import numpy as np

from evaluation.statistics.dependence import CELL, CROSSED
from evaluation.statistics.sample import Floats


def widest_unit(draws: Mapping[str, Floats]) -> str:
    """The unit whose draws of one statistic spread most, among those of which there are most draws.

    >>> widest_unit({"card": np.array([1.0, 2.0]), "merchant": np.array([0.0, 4.0]), "day": np.array([9.0])})
    'merchant'

    Args:
        draws: unit to draws of one statistic [B], or of one per bin [bins, B].
    """
    most = max(found.shape[-1] for found in draws.values())
    spread = {name: float(variance(found).sum()) for name, found in draws.items() if found.shape[-1] == most}
    spread.pop(CELL, None)
    return max(spread, key=lambda name: spread[name])


def two_way_variance(draws: Mapping[str, Floats]) -> Floats:
    """Variance of a statistic under cards and merchants, never below that of any one unit [] or [bins].

    >>> card, merchant, cell = np.array([-2.0, 2.0]), np.array([-1.5, 1.5]), np.array([-1.0, 1.0])
    >>> float(two_way_variance({"card": card, "merchant": merchant, "cell": cell}))  # 4 + 2.25 − 1
    5.25

    Args:
        draws: unit to draws of one statistic [B], or of one per bin [bins, B].
    """
    each = {name: variance(found) for name, found in draws.items()}
    result = np.max([found for name, found in each.items() if name != CELL], axis=0)
    if CELL in each:
        card, merchant = (each[name] for name in CROSSED)
        result = np.maximum(result, card + merchant - each[CELL])
    return np.asarray(result)


def combined_draws(value: float, draws: Mapping[str, Floats], *, within: tuple[float, float]) -> Floats:
    """The draws of the widest unit, stretched about the value until they have the two-way variance [B].

    With one unit they are its draws as they are.

    >>> combined_draws(0.0, {"card": np.array([-2.0, 2.0]), "merchant": np.array([-2.0, 2.0]),
    ...     "cell": np.array([0.0, 0.0])}, within=(-2.5, np.inf)).round(2).tolist()
    [-2.5, 2.83]

    Args:
        value: the statistic on the rows themselves.
        draws: unit to draws of the statistic [B], NaN where it is undefined.
        within: the statistic's range; stretched draws stay inside.
    """
    widest = draws[widest_unit(draws)]
    if len(draws) == 1:
        return widest
    own, both = float(variance(widest)), float(two_way_variance(draws))
    if not (own > 0 and both > own):
        return widest
    stretched: Floats = np.clip(value + (widest - value) * np.sqrt(both / own), *within)
    return stretched


def variance(draws: Floats) -> Floats:
    """Variance of the finite draws along the last axis; 0 where there are fewer than two.

    >>> float(variance(np.array([1.0, np.nan, 3.0])))
    1.0
    """
    kept = np.isfinite(draws)
    count = np.maximum(kept.sum(axis=-1), 1)
    mean = np.where(kept, draws, 0.0).sum(axis=-1) / count
    squares = np.where(kept, draws - np.expand_dims(mean, -1), 0.0) ** 2
    return np.asarray(squares.sum(axis=-1) / count)
