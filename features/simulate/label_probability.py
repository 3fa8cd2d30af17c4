"""How likely each simulated row is to be labelled fraud, given the row and the hidden state around it."""

import numpy as np
from numpy.typing import NDArray

from features.simulate.episodes import DAY_SECONDS, EVERYDAY, KINDS
from features.simulate.population import CATEGORIES, Cards, Floats, Merchants, category_weights
from features.simulate.purchases import INTERNET, MAGSTRIPE, Rows

GUILT = {
    "everyday": -9.0,
    "big_ticket": -6.0,
    "travel": -5.5,
    "spree": -5.5,
    "micro_payments": -6.5,
    "stolen_card": 2.4,
    "card_testing": 2.0,
    "takeover": 2.0,
}
"""Logit of the probability that somebody else than the holder pays, by kind, before what the row itself adds."""

_RESALE = category_weights(
    electronics=1.0, jewellery=0.8, gift_cards=1.0, money_transfer=1.0, airline=0.5, clothing=0.4, digital_goods=0.3
)
"""How easily a thief turns the goods into money, from 0 to 1."""
_DISPUTED = category_weights(
    digital_goods=1.0, subscription=1.0, entertainment=0.6, clothing=0.5, airline=0.4, lodging=0.4
)
"""How often holders dispute what they bought themselves, relative to the worst category."""


def label_probabilities(
    rows: Rows,
    *,
    cards: Cards,
    merchants: Merchants,
    at_compromised: NDArray[np.bool_],
    card_abused: NDArray[np.bool_],
    prevalence: float,
) -> Floats:
    """P(label = 1) of each row, with labels that are wrong in both directions.

    With g the probability that somebody else than the holder pays, u that the fraud is never reported and d that an
    honest purchase is disputed (friendly fraud), P = g (1 - u) + (1 - g) d. One constant on the logit of g, found by
    bisection, makes the mean of P the prevalence: P rises with g because u + d < 1 in every row.

    Args:
        rows: the purchases [N].
        cards: their holders.
        merchants: where they were made.
        at_compromised: the merchant is run or tapped by criminals at that time [N].
        card_abused: a scheme is going on with the card, though the row may be the holder's own [N].
        prevalence: mean of the result.

    Returns:
        Probabilities [N].
    """
    logit = _guilt_logits(
        rows, cards=cards, merchants=merchants, at_compromised=at_compromised, card_abused=card_abused
    )
    unreported = 0.03 + 0.22 * np.exp(-rows.amount / 8.0)
    disputed = _disputed(rows, cards=cards, merchants=merchants)

    def probabilities(shift: float) -> Floats:
        guilt = 1.0 / (1.0 + np.exp(-(logit + shift)))
        return guilt * (1.0 - unreported) + (1.0 - guilt) * disputed

    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if probabilities(middle).mean() < prevalence else (low, middle)
    return probabilities((low + high) / 2)


def _guilt_logits(
    rows: Rows, *, cards: Cards, merchants: Merchants, at_compromised: NDArray[np.bool_], card_abused: NDArray[np.bool_]
) -> Floats:
    category = merchants.category[rows.merchant]
    usual = np.log(np.array([one.median for one in CATEGORIES]))[category] + cards.log_spend[rows.card]
    excess = np.log(rows.amount) - usual
    online, swiped = rows.channel == INTERNET, rows.channel == MAGSTRIPE
    hour = rows.seconds % DAY_SECONDS // 3600
    asleep = np.where(cards.night[rows.card], (hour >= 11) & (hour < 17), hour < 6)
    logit = np.array([GUILT[kind] for kind in KINDS])[rows.kind]
    logit = logit + 2.5 * ((rows.kind == EVERYDAY) & card_abused)
    logit = logit + np.clip(excess, -1.0, 2.0) * _RESALE[category] * np.where(online, 1.5, 0.5)
    logit = logit + 1.5 * (online & asleep) + 0.8 * swiped
    tapped = -2.2 + 4.0 * (online | swiped) + 0.5 * np.clip(excess, -1.0, 1.5)
    either: Floats = np.logaddexp(logit, tapped)
    return np.where(at_compromised, either, logit)


def _disputed(rows: Rows, *, cards: Cards, merchants: Merchants) -> Floats:
    relative = _DISPUTED[merchants.category[rows.merchant]] * np.where(rows.channel == INTERNET, 1.0, 0.25)
    disputed: Floats = (0.00003 + 0.003 * relative) * np.where(cards.disputer[rows.card], 8.0, 1.0)
    return disputed
