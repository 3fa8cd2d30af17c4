import numpy as np
import pytest

from features.simulate.population import (
    CATEGORIES,
    CATEGORY,
    ONLINE,
    REGIONS,
    TOWNS_PER_REGION,
    category_weights,
    everyday_weights,
    simulated_cards,
    simulated_merchants,
)


@pytest.fixture(scope="module")
def merchants():
    return simulated_merchants(4_000, rng=np.random.default_rng(1))


@pytest.mark.parametrize("count", [80, 4_000])
def test_every_place_has_a_merchant_and_each_place_is_one_slice(count):
    merchants = simulated_merchants(count, rng=np.random.default_rng(2))
    for place in range(ONLINE + 1):
        own = slice(merchants.first[place], merchants.first[place + 1])
        assert (merchants.place[own] == place).all()
        assert merchants.place[own].size > 0
    assert merchants.first[-1] == count


def test_a_counter_stands_in_the_region_of_its_town(merchants):
    offline = merchants.place < ONLINE
    np.testing.assert_array_equal(merchants.region[offline], merchants.place[offline] // TOWNS_PER_REGION)
    assert set(merchants.region) == set(range(len(REGIONS)))


def test_merchants_are_drawn_by_popularity_at_the_place_that_is_wanted(merchants):
    weights = category_weights(fuel=1.0)
    place = np.full(200_000, 3)
    drawn = merchants.drawn(place, weights, rng=np.random.default_rng(3))
    own = np.flatnonzero(merchants.place == 3)
    expected = merchants.popularity[own] * weights[merchants.category[own]]
    share = np.bincount(drawn, minlength=len(merchants.place))[own] / len(place)
    assert (merchants.place[drawn] == 3).all()
    np.testing.assert_allclose(share, expected / expected.sum(), atol=0.01)


def test_cards_come_back_to_merchants_of_their_town_or_online(merchants):
    cards = simulated_cards(500, merchants=merchants, rng=np.random.default_rng(4))
    at = merchants.place[cards.favourites]
    assert ((at == cards.place[:, None]) | (at == ONLINE)).all()
    assert 0.9 < cards.activity.mean() < 1.2


def test_a_category_that_is_not_named_keeps_a_trace():
    weights = category_weights(fuel=2.0)
    assert weights[CATEGORY["fuel"]] == 2.0
    assert (np.delete(weights, CATEGORY["fuel"]) == 0.02).all()
    assert everyday_weights().size == len(CATEGORIES)
