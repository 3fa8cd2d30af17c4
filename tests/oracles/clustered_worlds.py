"""Made worlds in which outcomes move together by card, merchant and day, and whose expectations are known.

A row's true logit is what its model may see (x), plus effects that it may not: of its card, of a burst at its merchant
on a few days, of its day. P(fraud | x) averages over all of them, so a model of x can be right on average and still be
far off in one world.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY

GRID = np.linspace(-6.0, 6.0, 121)


@dataclass(frozen=True)
class World:
    """How strongly rows move together: standard deviations of logits, and bursts.

    Attributes:
        level: logit of a row with x = 0 and no effect.
        card: standard deviation of the card's effect.
        day: standard deviation of the day's effect.
        bursts: share of (merchant, three days) pairs that are compromised.
        burst: what a burst adds to the logit.
    """

    level: float = -4.6
    card: float = 0.7
    day: float = 0.12
    bursts: float = 0.03
    burst: float = 2.8
    cards: int = 1500
    merchants: int = 100

    def expected(self, seed: int = 1, draws: int = 40_000) -> np.ndarray:
        """P(fraud | x) at each point of GRID, averaged over all effects."""
        rng = np.random.default_rng(seed)
        effect = rng.normal(0, np.hypot(self.card, self.day), draws) + self.burst * (rng.random(draws) < self.bursts)
        return expit(self.level + GRID[:, None] + effect).mean(axis=1)


@dataclass(frozen=True)
class Fold:
    """Rows and what a model may see of them: x, and x through noise [N]."""

    rows: JudgedRows
    seen: np.ndarray
    blurred: np.ndarray


def folds(world: World, rng: np.random.Generator, *, sizes: tuple[int, ...], days: tuple[int, ...]) -> list[Fold]:
    """Consecutive folds of one world: the same cards, other bursts and days."""
    of_card = rng.normal(0, world.card, world.cards)
    share = rng.dirichlet(np.full(world.merchants, 1.5))
    return [_fold(world, rng, of_card, share, rows=n, days=d) for n, d in zip(sizes, days, strict=True)]


def _fold(
    world: World, rng: np.random.Generator, of_card: np.ndarray, share: np.ndarray, *, rows: int, days: int
) -> Fold:
    card, merchant = rng.integers(0, world.cards, rows), rng.choice(world.merchants, rows, p=share)
    time = rng.integers(0, days * DAY, rows)
    seen = rng.normal(0, 1.6, rows)
    burst = rng.random((world.merchants, days // 3 + 1)) < world.bursts
    day = time // DAY
    z = world.level + seen + of_card[card] + rng.normal(0, world.day, days)[day]
    z = z + world.burst * burst[merchant, day // 3]
    labels = (rng.random(rows) < expit(z)).astype(float)
    judged = JudgedRows(labels, time, np.ones(rows), card, merchant=merchant)
    return Fold(judged, seen, seen + rng.normal(0, 0.8, rows))
