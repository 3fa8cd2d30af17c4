from dataclasses import replace

import numpy as np
import pytest

from features.simulate.episodes import KINDS
from features.simulate.label_probability import GUILT, label_probabilities
from features.simulate.population import CATEGORY, ONLINE, simulated_cards, simulated_merchants
from features.simulate.purchases import CHIP, MAGSTRIPE, everyday_rows

ROWS = 5_000


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(1)
    merchants = simulated_merchants(300, rng=rng)
    cards = simulated_cards(100, merchants=merchants, rng=rng)
    rows = everyday_rows(ROWS, span=183 * 86_400, cards=cards, merchants=merchants, rng=rng)
    return replace(rows, kind=rng.integers(0, len(KINDS), ROWS)), cards, merchants


def probabilities(world, rows=None, prevalence=0.1, at_compromised=False, card_abused=False):
    own, cards, merchants = world
    return label_probabilities(
        own if rows is None else rows,
        cards=cards,
        merchants=merchants,
        at_compromised=np.full(ROWS, at_compromised),
        card_abused=np.full(ROWS, card_abused),
        prevalence=prevalence,
    )


@pytest.mark.parametrize("prevalence", [0.05, 0.2])
def test_the_mean_is_the_prevalence_and_every_value_a_probability(world, prevalence):
    found = probabilities(world, prevalence=prevalence)
    assert found.mean() == pytest.approx(prevalence, rel=1e-6)
    assert ((found > 0) & (found < 1)).all()


def test_a_fraud_scheme_is_likelier_fraud_than_any_honest_kind(world):
    found, kind = probabilities(world), world[0].kind
    medians = {name: np.median(found[kind == code]) for code, name in enumerate(KINDS)}
    honest = [medians[name] for name, logit in GUILT.items() if logit < 0]
    assert min(medians[name] for name, logit in GUILT.items() if logit > 0) > 20 * max(honest)


def changed(world, **fields):
    """How a change of every other row moves its probability, the prevalence being the same."""
    before = probabilities(world)
    half = np.arange(ROWS) % 2 == 0
    rows = replace(world[0], **{n: np.where(half, v, getattr(world[0], n)) for n, v in fields.items()})
    return (probabilities(world, rows) / before)[half]


def test_a_swiped_stripe_is_likelier_fraud_than_a_chip(world):
    merchants, kind = world[2], KINDS.index("stolen_card")
    counter = np.flatnonzero(merchants.place < ONLINE)[0]
    same = {"merchant": counter, "kind": kind}
    swiped = changed(world, channel=MAGSTRIPE, **same)
    chip = changed(world, channel=CHIP, **same)
    assert np.median(swiped) > np.median(chip)


def test_small_frauds_are_reported_less_often(world):
    rows = replace(world[0], kind=np.full(ROWS, KINDS.index("stolen_card")))
    few, many = (probabilities(world, replace(rows, amount=np.full(ROWS, a)), prevalence=0.6) for a in (0.5, 500.0))
    assert few.max() < 0.78
    assert many.max() > 0.9


def test_holders_who_dispute_raise_the_floor_of_what_they_bought_online(world):
    own, cards, merchants = world
    online = np.flatnonzero((merchants.category == CATEGORY["digital_goods"]) & (merchants.place == ONLINE))[0]
    rows = replace(own, kind=np.zeros(ROWS, np.int64), merchant=np.full(ROWS, online), channel=np.full(ROWS, 3))
    found = probabilities(world, rows, prevalence=0.004)
    disputer = cards.disputer[rows.card]
    assert found[disputer].min() > 0.024
    assert np.median(found[~disputer]) < 0.004
