import numpy as np
import pytest

from features.simulate.episodes import DAY_SECONDS, KINDS, SCHEMES
from features.simulate.population import CATEGORY, ONLINE, simulated_cards, simulated_merchants
from features.simulate.purchases import (
    CONTACTLESS,
    INTERNET,
    LEAD,
    Rows,
    episode_rows,
    episode_starts,
    everyday_rows,
    joined_rows,
)

SPAN = 183 * DAY_SECONDS


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(5)
    merchants = simulated_merchants(1_000, rng=rng)
    return {"merchants": merchants, "cards": simulated_cards(400, merchants=merchants, rng=rng)}


@pytest.fixture(scope="module")
def everyday(world):
    return everyday_rows(30_000, span=SPAN, **world, rng=np.random.default_rng(6))


def episodes(kind, world, count=300):
    card, start = np.arange(count) % 400, np.full(count, 50 * DAY_SECONDS)
    return episode_rows(kind, card, start, **world, rng=np.random.default_rng(7))


def test_everyday_rows_lie_in_the_span_and_are_paid_online_exactly_without_a_counter(everyday, world):
    assert ((everyday.seconds >= 0) & (everyday.seconds < SPAN)).all()
    np.testing.assert_array_equal(everyday.channel == INTERNET, world["merchants"].place[everyday.merchant] == ONLINE)
    assert everyday.amount[everyday.channel == CONTACTLESS].max() <= 50
    assert set(everyday.kind) == {0}


def test_holders_sleep_at_night_unless_they_work_then(everyday, world):
    asleep = everyday.seconds % DAY_SECONDS // 3600 < 6
    at_night = world["cards"].night[everyday.card]
    assert asleep[~at_night].mean() < 0.06
    assert asleep[at_night].mean() > 0.2


def test_most_purchases_are_made_where_the_card_comes_back_to(everyday, world):
    own = (world["cards"].favourites[everyday.card] == everyday.merchant[:, None]).any(axis=1)
    assert 0.8 < own.mean() < 0.9


@pytest.mark.parametrize("kind", range(1, len(KINDS)))
def test_an_episode_has_its_schemes_size_share_online_and_pace(kind, world):
    scheme, rows = SCHEMES[kind - 1], episodes(kind, world)
    online = world["merchants"].place[rows.merchant] == ONLINE
    spread = 4 / np.sqrt(rows.card.size)
    assert abs(rows.card.size / 300 - scheme.size) < 4 * np.sqrt(scheme.size / 300) + 0.05
    assert abs(online.mean() - scheme.online) < spread
    assert rows.seconds.min() == 50 * DAY_SECONDS
    assert set(rows.kind) == {kind}


def test_amounts_below_a_limit_stay_in_their_band(world):
    kind = KINDS.index("takeover")
    low, high = SCHEMES[kind - 1].band
    amount = episodes(kind, world, 2_000).amount
    inside = ((amount >= low) & (amount <= high)).mean()
    assert inside > SCHEMES[kind - 1].banded - 0.03


@pytest.mark.parametrize("kind", [1, 3, 6])
def test_episodes_begin_from_the_lead_on_and_before_the_end(kind, world):
    start = episode_starts(kind, np.arange(5_000) % 400, span=SPAN, cards=world["cards"], rng=np.random.default_rng(8))
    assert start.min() >= -LEAD
    assert start.max() < SPAN


def test_rows_are_taken_and_joined_in_every_field_alike(everyday):
    half = np.arange(everyday.card.size) % 2 == 0
    both = joined_rows([everyday.taken(half), everyday.taken(np.flatnonzero(~half))])
    assert isinstance(both, Rows)
    order = np.argsort(np.concatenate([np.flatnonzero(half), np.flatnonzero(~half)]))
    np.testing.assert_array_equal(both.taken(order).amount, everyday.amount)
    np.testing.assert_array_equal(both.taken(order).card, everyday.card)


def test_fuel_is_swiped_more_often_than_anything_else(everyday, world):
    pumps = world["merchants"].category[everyday.merchant] == CATEGORY["fuel"]
    swiped = everyday.channel == 2
    assert swiped[pumps].mean() > 2 * swiped[~pumps].mean()
