"""Seeded raw transactions with 1.8 % fraud, and the true probability behind every label."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import InputError
from features.simulate.blocking_policy import censored_transactions, decisions
from features.simulate.episodes import DAY_SECONDS, KINDS, MICRO_PAYMENTS, SCHEMES, SHIFT_DAY, SHIFTED, Scheme
from features.simulate.label_probability import label_probabilities
from features.simulate.population import (
    CATEGORIES,
    ONLINE,
    REGIONS,
    Cards,
    Floats,
    Ints,
    Merchants,
    simulated_cards,
    simulated_merchants,
)
from features.simulate.purchases import CHANNELS, Rows, episode_rows, episode_starts, everyday_rows, joined_rows
from features.times import SECOND

SCENARIOS = ("harbor", "drift", "censored")
MINIMUM_ROWS = 1_000
PREVALENCE = 0.018
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 183


@dataclass(frozen=True)
class Simulation:
    """What a bank would have seen, and what only the simulator knows.

    Attributes:
        transactions: N rows in the columns of the preset `harbor`, sorted by event_time.
        true_probability: P(label = 1) of each row, given the row and the state that its card and its merchant were in
            at that time; the labels are drawn with it and nothing else depends on them but their delay [N].
        scheme: what each row is part of, one of `episodes.KINDS`, "everyday" for most [N].
        label: every row's label, also where nobody will know it because the row was blocked [N].
    """

    transactions: pa.Table
    true_probability: Floats
    scheme: pa.DictionaryArray
    label: NDArray[np.int8]


def simulate_transactions(rows: int, *, seed: int, scenario: str = "harbor") -> Simulation:
    """Half a year of card transactions in which fraud can be found but not simply read off.

    Cards have habits and a home, merchants a category and a place; honest episodes and fraud schemes run through both,
    and what a fraud leaves behind (a leaked card, an abused account, a tapped merchant) changes how likely the next
    rows are to be fraud. The number of cards, merchants and episodes grows with the rows, so any size has the same
    statistics. Same seed, same rows, same bits.

    Args:
        rows: how many transactions, at least 1,000.
        seed: of everything random.
        scenario: "harbor"; "drift", in which two fraud schemes change from one day on (`episodes.SHIFTED`); or
            "censored", the world of "harbor" with an earlier policy in it that blocks rows (`blocking_policy`).

    Raises:
        InputError: too few rows, a negative seed or an unknown scenario.
    """
    _check(rows, seed, scenario)
    rng = np.random.default_rng(seed)
    span = DAYS * DAY_SECONDS
    merchants = simulated_merchants(max(80, rows // 250), rng=rng)
    cards = simulated_cards(max(50, rows // DAYS), merchants=merchants, rng=rng)
    everyday = everyday_rows(rows, span=span, cards=cards, merchants=merchants, rng=rng)
    compromised = _compromised_merchants(rows, span=span, merchants=merchants, rng=rng)
    leaked = everyday.taken(compromised.holds(everyday.merchant, everyday.seconds))
    shifted = SHIFTED if scenario == "drift" else {}
    episodes, abused = _episodes(rows, leaked, span=span, cards=cards, merchants=merchants, shifted=shifted, rng=rng)
    kept = np.sort(rng.permutation(rows)[episodes.card.size :])
    drawn = joined_rows([everyday.taken(kept), episodes])
    drawn = drawn.taken(np.argsort(drawn.seconds, kind="stable"))
    probability = label_probabilities(
        drawn,
        cards=cards,
        merchants=merchants,
        at_compromised=compromised.holds(drawn.merchant, drawn.seconds),
        card_abused=abused.holds(drawn.card, drawn.seconds),
        prevalence=PREVALENCE,
    )
    label = _labels(probability, rng=rng)
    delay = _label_delays(label, rng=rng)
    scheme = pa.DictionaryArray.from_arrays(pa.array(drawn.kind.astype(np.int8)), pa.array(KINDS))
    table = _table(drawn, label, delay, cards=cards, merchants=merchants)
    if scenario == "censored":
        table = censored_transactions(table, decisions(probability, drawn.amount, rng=rng), rng=rng)
    return Simulation(table, probability, scheme, label)


@dataclass(frozen=True)
class _Spells:
    """Times during which something holds for an entity; of two that overlap, the one that began last counts."""

    key: Ints
    end: Ints

    def holds(self, entity: Ints, seconds: Ints) -> NDArray[np.bool_]:
        """Whether the entity is inside a spell at that moment [N]."""
        found = np.searchsorted(self.key, _spell_key(entity, seconds), side="right") - 1
        own = (found >= 0) & (self.key[found] // _KEY_SPAN == entity)
        inside: NDArray[np.bool_] = own & (seconds <= self.end[found])
        return inside


_KEY_SPAN = 1_000 * DAY_SECONDS


def _spell_key(entity: Ints, seconds: Ints) -> Ints:
    """Orders moments by entity, then time; the offset keeps those before the start positive."""
    return entity * _KEY_SPAN + seconds + 100 * DAY_SECONDS


def _spells(entity: Ints, start: Ints, end: Ints) -> _Spells:
    key = _spell_key(entity, start)
    order = np.argsort(key, kind="stable")
    return _Spells(key[order], end[order])


def _check(rows: int, seed: int, scenario: str) -> None:
    faults = []
    if rows < MINIMUM_ROWS:
        faults.append(f"rows must be at least {MINIMUM_ROWS:,}, got {rows:,}")
    if seed < 0:
        faults.append(f"seed must be 0 or more, got {seed}")
    if scenario not in SCENARIOS:
        faults.append(f"scenario must be one of {', '.join(map(repr, SCENARIOS))}, got {scenario!r}")
    if faults:
        raise InputError("; ".join(faults))


def _compromised_merchants(rows: int, *, span: int, merchants: Merchants, rng: np.random.Generator) -> _Spells:
    """Merchants of middling popularity in criminal hands for ten days to a month, spread evenly over time."""
    ranked = np.argsort(merchants.popularity)
    middling = ranked[ranked.size * 4 // 10 : ranked.size * 85 // 100]
    merchant = rng.permutation(middling)[: max(1, round(rows * 0.0004))]
    lead = 20 * DAY_SECONDS
    start = (np.arange(merchant.size) + rng.random(merchant.size)) / merchant.size * (span + lead) - lead
    end = start + rng.uniform(10.0, 30.0, merchant.size) * DAY_SECONDS
    return _spells(merchant, start.astype(np.int64), end.astype(np.int64))


def _episodes(
    rows: int,
    leaked: Rows,
    *,
    span: int,
    cards: Cards,
    merchants: Merchants,
    shifted: Mapping[str, Scheme],
    rng: np.random.Generator,
) -> tuple[Rows, _Spells]:
    """All rows of all episodes, and for each abused card from when until when; schemes that shift do so on one day."""
    parts, victims, starts = [], [], []
    for kind, scheme in enumerate(SCHEMES, start=1):
        count = max(1, round(rows * scheme.per_thousand / 1000))
        card = rng.integers(0, cards.place.size, count)
        if scheme is MICRO_PAYMENTS and cards.gamer.any():
            card = rng.choice(np.flatnonzero(cards.gamer), count)
        start = episode_starts(kind, card, span=span, cards=cards, rng=rng)
        if scheme.fraud:
            card, start = _with_leaks(card, start, leaked, rng=rng)
            victims.append(card)
            starts.append(start)
        late = (start >= SHIFT_DAY * DAY_SECONDS) & (scheme.name in shifted)
        for chosen, as_now in ((~late, scheme), (late, shifted.get(scheme.name, scheme))):
            part = episode_rows(
                kind, card[chosen], start[chosen], cards=cards, merchants=merchants, rng=rng, scheme=as_now
            )
            parts.append(part.taken((part.seconds >= 0) & (part.seconds < span)))
    start = np.concatenate(starts)
    return joined_rows(parts), _spells(np.concatenate(victims), start, start + 2 * DAY_SECONDS)


def _with_leaks(card: Ints, start: Ints, leaked: Rows, *, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """A quarter of the victims replaced by cards that a compromised merchant saw one to twenty days before."""
    if not leaked.card.size:
        return card, start
    known = rng.random(card.size) < 0.25
    source = rng.integers(0, leaked.card.size, card.size)
    later = leaked.seconds[source] + rng.integers(DAY_SECONDS, 20 * DAY_SECONDS, card.size)
    return np.where(known, leaked.card[source], card), np.where(known, later, start)


def _labels(probability: Floats, *, rng: np.random.Generator) -> NDArray[np.int8]:
    """Labels with exactly these probabilities and a total that hits their sum.

    Systematic sampling in random order (Madow, 1949): a row is drawn where the running sum of probabilities plus a
    uniform offset passes an integer, which has that row's probability, and the number drawn is within one of the sum.
    """
    order = rng.permutation(probability.size)
    passed = np.floor(np.cumsum(probability[order]) + rng.random())
    label = np.zeros(probability.size, dtype=np.int8)
    label[order] = np.diff(passed, prepend=0.0) > 0
    return label


def _label_delays(label: NDArray[np.int8], *, rng: np.random.Generator) -> Ints:
    """Seconds until a label is known: mostly days, and a tail of chargebacks after the statement, longer for fraud."""
    days = np.where(label == 1, 1.6, 1.2) * np.exp(rng.normal(0.0, 0.8, label.size))
    late = rng.random(label.size) < np.where(label == 1, 0.06, 0.03)
    days = np.where(late, 7.0 + rng.gamma(2.0, 12.0, label.size), days)
    seconds: Ints = np.maximum(600, days * DAY_SECONDS).astype(np.int64)
    return seconds


def _table(rows: Rows, label: NDArray[np.int8], delay: Ints, *, cards: Cards, merchants: Merchants) -> pa.Table:
    micros = (int(START.timestamp()) + rows.seconds) * SECOND
    moment = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "transaction_id": pa.array(np.arange(1, rows.card.size + 1)),
            "event_time": pa.array(micros).cast(moment),
            "card_id": _strings([f"c{number:07d}" for number in range(cards.place.size)], rows.card),
            "merchant_id": _strings([f"m{number:06d}" for number in range(merchants.place.size)], rows.merchant),
            "amount": pa.array(rows.amount),
            "label": pa.array(label),
            "label_available_at": pa.array(micros + delay * SECOND).cast(moment),
            "merchant_category": _strings(
                [category.name for category in CATEGORIES], merchants.category[rows.merchant]
            ),
            "merchant_region": _strings(list(REGIONS), merchants.region[rows.merchant]),
            "channel": _strings(list(CHANNELS), rows.channel),
            "distance_km": _distances(rows, cards=cards, merchants=merchants),
        }
    )


def _strings(names: list[str], code: Ints) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(code.astype(np.int32)), pa.array(names)).cast(pa.string())


def _distances(rows: Rows, *, cards: Cards, merchants: Merchants) -> pa.Array:
    """Kilometres from home to the counter; null where there is no counter."""
    offset = cards.xy[rows.card] - merchants.xy[rows.merchant]
    kilometres = np.round(np.hypot(offset[:, 0], offset[:, 1]), 1)
    return pa.array(kilometres, mask=merchants.place[rows.merchant] == ONLINE)
