"""Simulated purchases before anybody judges them: everyday rows and the rows of episodes."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.simulate.episodes import DAY_SECONDS, EVERYDAY, GIFT_SEASONS, SCHEMES, Scheme
from features.simulate.population import (
    CATEGORIES,
    CATEGORY,
    ONLINE,
    TOWNS_PER_REGION,
    Cards,
    Floats,
    Ints,
    Merchants,
    everyday_weights,
)

CHANNELS = ("chip", "contactless", "magstripe", "online")
CHIP, CONTACTLESS, MAGSTRIPE, INTERNET = range(len(CHANNELS))
LEAD = 14 * DAY_SECONDS
"""Episodes begin up to this long before the first row, so that the first days are like the others; whole weeks."""

_CONTACTLESS_LIMIT = 50.0
_MAGSTRIPE_SHARE = 0.04
_WEEKDAYS = np.array([0.95, 0.95, 1.0, 1.0, 1.15, 1.2, 0.75])
_HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 8, 10, 9, 9, 10, 13, 12, 10, 10, 11, 14, 15, 13, 10, 8, 5, 3], dtype=np.float64)


@dataclass(frozen=True)
class Rows:
    """N purchases, one array per field.

    Attributes:
        card: index into the cards [N].
        seconds: since the start of the simulated time [N].
        merchant: index into the merchants [N].
        amount: major units, two decimals [N].
        channel: code into `CHANNELS` [N].
        kind: code into `KINDS` [N].
    """

    card: Ints
    seconds: Ints
    merchant: Ints
    amount: Floats
    channel: Ints
    kind: Ints

    def taken(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """The rows at these positions, or where the mask is true."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))


def joined_rows(parts: list[Rows]) -> Rows:
    """All rows of all parts, one part after the other."""
    return Rows(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rows)))


def everyday_rows(count: int, *, span: int, cards: Cards, merchants: Merchants, rng: np.random.Generator) -> Rows:
    """Ordinary purchases: mostly at the card's favourites, at the hours when its holder is awake.

    Args:
        count: how many.
        span: seconds that they spread over.
        cards: who buys.
        merchants: who sells.
        rng: the only source of chance.
    """
    total = np.cumsum(cards.activity)
    card = np.searchsorted(total, rng.random(count) * total[-1], side="right").clip(max=cards.place.size - 1)
    rank = np.cumsum(1.0 / np.arange(1.0, cards.favourites.shape[1] + 1.0) ** 0.9)
    slot = np.searchsorted(rank, rng.random(count) * rank[-1], side="right")
    merchant = cards.favourites[card, slot]
    novel = np.flatnonzero(rng.random(count) < 0.18)
    home = cards.place[card[novel]]
    where = rng.choice(3, novel.size, p=(0.35, 0.04, 0.61))
    place = np.choose(where, (np.full(novel.size, ONLINE), _other_towns(home), home))
    merchant[novel] = merchants.drawn(place, everyday_weights(), rng=rng)
    seconds = _waking_seconds(rng.random(count), cards.night[card], span=span, rng=rng)
    amount = _amounts(card, merchant, excess=0.0, cards=cards, merchants=merchants, rng=rng)
    channel = _channels(merchant, amount, magstripe=_MAGSTRIPE_SHARE, merchants=merchants, rng=rng)
    return Rows(card, seconds, merchant, amount, channel, np.full(count, EVERYDAY))


def episode_rows(
    kind: int,
    card: Ints,
    start: Ints,
    *,
    cards: Cards,
    merchants: Merchants,
    rng: np.random.Generator,
    scheme: Scheme | None = None,
) -> Rows:
    """The rows of one episode for each of these cards, in order of time within an episode.

    Args:
        kind: code into `KINDS`, not everyday.
        card: whose card, one per episode [E].
        start: seconds at which the episode begins [E].
        cards: all cards.
        merchants: all merchants.
        rng: the only source of chance.
        scheme: how the rows are drawn; as `SCHEMES` has it where it is left out.
    """
    scheme = scheme or SCHEMES[kind - 1]
    size = 1 + rng.poisson(scheme.size - 1.0, card.size)
    episode = np.repeat(np.arange(card.size), size)
    first = (np.cumsum(size) - size)[episode]
    step = np.arange(episode.size) - first
    elapsed = np.cumsum(scheme.gap * np.exp(rng.normal(0.0, 0.9, step.size)))
    seconds = start[episode] + (elapsed - elapsed[first]).astype(np.int64)
    town = _towns(cards.place[card], scheme, rng=rng)[episode]
    place = np.where(rng.random(step.size) < scheme.online, ONLINE, town)
    merchant = merchants.drawn(place, scheme.weights, rng=rng)
    amount = _amounts(card[episode], merchant, excess=scheme.excess, cards=cards, merchants=merchants, rng=rng)
    banded = rng.random(step.size) < scheme.banded
    amount = np.where(banded, np.round(rng.uniform(*scheme.band, step.size), 2), amount)
    tiny = np.round(np.exp(rng.normal(0.3, 0.7, step.size)), 2)
    amount = np.where(step < scheme.tiny * size[episode], np.maximum(tiny, 0.05), amount)
    channel = _channels(merchant, amount, magstripe=scheme.magstripe, merchants=merchants, rng=rng)
    return Rows(card[episode], seconds, merchant, amount, channel, np.full(step.size, kind))


def episode_starts(kind: int, card: Ints, *, span: int, cards: Cards, rng: np.random.Generator) -> Ints:
    """When an episode of this kind begins for each card, from `LEAD` seconds before the first row on [E].

    Episodes are spread evenly over time, so that the fraud rate of a fortnight varies by their sizes alone.

    Args:
        kind: code into `KINDS`, not everyday.
        card: whose card, one per episode [E].
        span: seconds of the simulated time.
        cards: all cards.
        rng: the only source of chance.
    """
    scheme = SCHEMES[kind - 1]
    even = (np.arange(card.size) + rng.random(card.size)) / card.size
    waking = _waking_seconds(even, cards.night[card], span=span + LEAD, rng=rng)
    anyhow = (even * (span + LEAD)).astype(np.int64)
    start = np.where(rng.random(card.size) < scheme.restless, anyhow, waking) - LEAD
    season = np.array(GIFT_SEASONS)[rng.integers(0, len(GIFT_SEASONS), card.size)]
    day = season[:, 0] + (rng.random(card.size) * (season[:, 1] - season[:, 0])).astype(np.int64)
    return np.where(rng.random(card.size) < scheme.seasonal, day * DAY_SECONDS + start % DAY_SECONDS, start)


def _other_towns(town: Ints) -> Ints:
    first = town // TOWNS_PER_REGION * TOWNS_PER_REGION
    return first + (town - first + 1) % TOWNS_PER_REGION


def _towns(home: Ints, scheme: Scheme, *, rng: np.random.Generator) -> Ints:
    first = home // TOWNS_PER_REGION * TOWNS_PER_REGION
    abroad = (first + rng.integers(TOWNS_PER_REGION, ONLINE, home.size)) % ONLINE
    where = rng.choice(3, home.size, p=(scheme.near, scheme.far, 1.0 - scheme.near - scheme.far))
    return np.choose(where, (_other_towns(home), abroad, home))


def _amounts(
    card: Ints, merchant: Ints, *, excess: float, cards: Cards, merchants: Merchants, rng: np.random.Generator
) -> Floats:
    category = merchants.category[merchant]
    median = np.array([one.median for one in CATEGORIES])[category]
    spread = np.array([one.spread for one in CATEGORIES])[category]
    level = np.log(median) + merchants.log_price[merchant] + cards.log_spend[card] + excess
    amount: Floats = np.round(np.exp(level + spread * rng.standard_normal(card.size)), 2)
    return np.clip(amount, 0.05, 25_000.0)


def _channels(
    merchant: Ints, amount: Floats, *, magstripe: float, merchants: Merchants, rng: np.random.Generator
) -> Ints:
    pumps = merchants.category[merchant] == CATEGORY["fuel"]
    swiped = rng.random(merchant.size) < np.where(pumps, 3 * magstripe, magstripe)
    tapped = (amount <= _CONTACTLESS_LIMIT) & (rng.random(merchant.size) < 0.75)
    at_counter = np.where(swiped, MAGSTRIPE, np.where(tapped, CONTACTLESS, CHIP))
    return np.where(merchants.place[merchant] == ONLINE, INTERNET, at_counter)


def _waking_seconds(share: Floats, night: NDArray[np.bool_], *, span: int, rng: np.random.Generator) -> Ints:
    """Moments after this share of the span's business by day, at a random hour; night workers half a day later."""
    weekday = np.cumsum(_WEEKDAYS[np.arange(-(-span // DAY_SECONDS)) % 7])
    day = np.searchsorted(weekday, share * weekday[-1], side="right")
    clock = np.concatenate([[0.0], np.cumsum(_HOURS)]) / _HOURS.sum()
    hour = np.interp(rng.random(night.size), clock, np.arange(25.0))
    hour = np.where(night, (hour + 11.0) % 24.0, hour)
    seconds: Ints = day * DAY_SECONDS + (hour * 3600).astype(np.int64)
    return seconds.clip(max=span - 1)
