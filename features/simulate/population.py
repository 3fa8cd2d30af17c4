"""The people and places of the simulated world: cards with habits, merchants with categories and coordinates."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REGIONS = tuple(f"r{number:02d}" for number in range(1, 13))
TOWNS_PER_REGION = 2
ONLINE = len(REGIONS) * TOWNS_PER_REGION
"""The place of every merchant without a counter; places below it are towns, `TOWNS_PER_REGION` to a region."""


class Category(NamedTuple):
    """A line of business: its amounts are lognormal, `online` is the share of its merchants without a counter."""

    name: str
    median: float
    spread: float
    merchants: float
    online: float


CATEGORIES = (
    Category("grocery", 28.0, 0.60, 0.15, 0.08),
    Category("fuel", 42.0, 0.35, 0.07, 0.00),
    Category("restaurant", 24.0, 0.60, 0.17, 0.12),
    Category("transit", 3.2, 0.50, 0.04, 0.30),
    Category("pharmacy", 17.0, 0.60, 0.07, 0.15),
    Category("clothing", 48.0, 0.65, 0.10, 0.40),
    Category("electronics", 120.0, 0.90, 0.06, 0.50),
    Category("jewellery", 150.0, 0.90, 0.03, 0.30),
    Category("lodging", 150.0, 0.60, 0.04, 0.45),
    Category("airline", 230.0, 0.70, 0.02, 0.80),
    Category("entertainment", 22.0, 0.70, 0.07, 0.45),
    Category("digital_goods", 7.0, 1.00, 0.05, 1.00),
    Category("subscription", 11.0, 0.45, 0.03, 1.00),
    Category("home_improvement", 65.0, 0.90, 0.06, 0.30),
    Category("gift_cards", 45.0, 0.60, 0.02, 0.60),
    Category("money_transfer", 110.0, 0.90, 0.02, 0.85),
)
CATEGORY = {category.name: code for code, category in enumerate(CATEGORIES)}

_TOWN_KM = 18.0
_BETWEEN_TOWNS_KM = 160.0
_WORLD_KM = 2_400.0
_FAVOURITES = 24


@dataclass(frozen=True)
class Merchants:
    """M merchants, sorted by place so that each place is one slice.

    Attributes:
        place: town, or `ONLINE` [M].
        region: region code of the seat, online merchants included [M].
        category: code into `CATEGORIES` [M].
        popularity: relative number of customers, heavy-tailed [M].
        log_price: price level against the category's median, in logs [M].
        xy: coordinates in km [M, 2].
        first: first merchant of each place, with the end appended [places + 1].
    """

    place: Ints
    region: Ints
    category: Ints
    popularity: Floats
    log_price: Floats
    xy: Floats
    first: Ints

    def drawn(self, place: Ints, category_weight: Floats, *, rng: np.random.Generator) -> Ints:
        """One merchant for each wanted place, by popularity times the weight of its category."""
        total = np.concatenate([[0.0], np.cumsum(self.popularity * category_weight[self.category])])
        low, high = total[self.first[place]], total[self.first[place + 1]]
        found = np.searchsorted(total, low + rng.random(place.size) * (high - low), side="right") - 1
        merchant: Ints = np.clip(found, self.first[place], self.first[place + 1] - 1)
        return merchant


@dataclass(frozen=True)
class Cards:
    """C cards and the habits of their holders.

    Attributes:
        place: home town [C].
        xy: home coordinates in km [C, 2].
        activity: relative number of purchases, mean about 1 [C].
        log_spend: spending level in logs, around 0 [C].
        night: works at night and shops at dawn [C].
        gamer: makes series of very small payments [C].
        disputer: disputes purchases that the holder did make [C].
        favourites: merchants that the holder comes back to, most visited first [C, 24].
    """

    place: Ints
    xy: Floats
    activity: Floats
    log_spend: Floats
    night: NDArray[np.bool_]
    gamer: NDArray[np.bool_]
    disputer: NDArray[np.bool_]
    favourites: Ints


def simulated_merchants(count: int, *, rng: np.random.Generator) -> Merchants:
    """A world of `count` merchants with at least one counter in every region and some online."""
    shares = np.array([one.merchants for one in CATEGORIES])
    category = rng.choice(len(CATEGORIES), size=count, p=shares / shares.sum())
    town = rng.choice(ONLINE, size=count, p=_town_shares())
    town[:ONLINE] = np.arange(ONLINE)
    online = rng.random(count) < np.array([one.online for one in CATEGORIES])[category]
    online[: ONLINE + 1] = np.arange(ONLINE + 1) == ONLINE
    order = np.argsort(np.where(online, ONLINE, town), kind="stable")
    online, town, category = online[order], town[order], category[order]
    place = np.where(online, ONLINE, town)
    return Merchants(
        place=place,
        region=town // TOWNS_PER_REGION,
        category=category,
        popularity=np.minimum(rng.pareto(1.6, count) + 0.25, 25.0),
        log_price=rng.normal(0.0, 0.25, count),
        xy=_centres()[town] + rng.normal(0.0, _TOWN_KM, (count, 2)),
        first=np.searchsorted(place, np.arange(ONLINE + 2)),
    )


def simulated_cards(count: int, *, merchants: Merchants, rng: np.random.Generator) -> Cards:
    """`count` cards whose holders live in one region and mostly shop there."""
    town = rng.choice(ONLINE, size=count, p=_town_shares())
    online_share = rng.beta(2.0, 4.5, count)
    at_home = np.repeat(town[:, None], _FAVOURITES, axis=1)
    place = np.where(rng.random((count, _FAVOURITES)) < online_share[:, None], ONLINE, at_home)
    favourites = merchants.drawn(place.ravel(), everyday_weights(), rng=rng)
    return Cards(
        place=town,
        xy=_centres()[town] + rng.normal(0.0, _TOWN_KM, (count, 2)),
        activity=rng.gamma(2.5, 1.0 / 2.5, count) + 0.05,
        log_spend=rng.normal(0.0, 0.45, count),
        night=rng.random(count) < 0.07,
        gamer=rng.random(count) < 0.10,
        disputer=rng.random(count) < 0.03,
        favourites=favourites.reshape(count, _FAVOURITES),
    )


def category_weights(**weight: float) -> Floats:
    """Weights by category name as an array over `CATEGORIES`, with a trace of every category that is not named."""
    return np.array([weight.get(category.name, 0.02) for category in CATEGORIES])


def everyday_weights() -> Floats:
    """How often an ordinary purchase goes to each category."""
    return category_weights(
        grocery=3.0, fuel=1.2, restaurant=1.5, transit=3.0, pharmacy=0.8, clothing=0.6, electronics=0.35,
        jewellery=0.12, lodging=0.15, airline=0.2, entertainment=0.8, digital_goods=1.5, subscription=1.5,
        home_improvement=0.5, gift_cards=0.4, money_transfer=0.4,
    )  # fmt: skip


def _town_shares() -> Floats:
    shares: Floats = 1.0 / np.arange(3.0, ONLINE + 3.0)
    shares /= shares.sum()
    return shares


def _centres() -> Floats:
    """Town centres: regions on two rings, the towns of a region side by side on theirs."""
    region, town = np.divmod(np.arange(ONLINE), TOWNS_PER_REGION)
    angle = region * (2 * np.pi / len(REGIONS))
    radius = np.where(region % 2 == 0, 0.5, 1.0) * _WORLD_KM / 2
    aside = town * _BETWEEN_TOWNS_KM
    return np.stack(
        [np.cos(angle) * radius - np.sin(angle) * aside, np.sin(angle) * radius + np.cos(angle) * aside], axis=1
    )
