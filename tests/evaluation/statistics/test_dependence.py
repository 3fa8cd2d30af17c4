"""Which rows move together, and which units are too few to be drawn."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.statistics.dependence import CELL, MOST_GROUPS, cluster_codes, dependence
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY


def made_rows(count: int = 600, *, cards: int = 100, merchants: int = 40, days: int = 50) -> JudgedRows:
    rng = np.random.default_rng(1)
    time = np.arange(count) % days * DAY
    card, merchant = rng.integers(0, cards, count), rng.integers(0, merchants, count)
    return JudgedRows((rng.random(count) < 0.2).astype(float), time, np.ones(count), card, merchant=merchant)


def test_cards_and_merchants_and_days_are_drawn_where_all_are_there():
    found = dependence(made_rows(), by="auto", fewest=30)
    assert found.clusters == {"card": 100, "merchant": 40, "day": 50}
    assert found.by == "card, merchant and day"
    assert found.crossed


def test_a_cell_is_one_card_at_one_merchant():
    rows = made_rows()
    cells = dependence(rows, by="auto", fewest=30).units[CELL]
    pairs = set(zip(rows.card.tolist(), rows.merchant.tolist(), strict=True))
    assert len(set(zip(rows.card.tolist(), rows.merchant.tolist(), cells.tolist(), strict=True))) == len(pairs)
    assert cells.max() + 1 == len(pairs)


def test_a_unit_of_too_few_is_left_out_and_named():
    found = dependence(made_rows(days=14), by="auto", fewest=30)
    assert list(found.clusters) == ["card", "merchant"]
    assert found.left_out == {"day": 14}


@pytest.mark.parametrize(
    ("by", "changes", "drawn"),
    [
        ("day", {"days": 14}, ["card"]),
        ("day", {"days": 14, "cards": 5}, ["merchant"]),
        ("card", {"cards": 5, "merchants": 5, "days": 5}, ["row"]),
        ("merchant", {}, ["merchant"]),
        ("row", {}, ["row"]),
    ],
)
def test_a_unit_asked_for_gives_way_to_the_next_where_it_is_too_few(by, changes, drawn):
    assert list(dependence(made_rows(**changes), by=by, fewest=30).clusters) == drawn


def test_without_merchants_cards_and_days_are_drawn_and_without_both_rows():
    rows = made_rows()
    assert dependence(replace(rows, merchant=None), by="auto", fewest=30).by == "card and day"
    bare = replace(rows, merchant=None, card=None)
    assert dependence(bare, by="auto", fewest=30).by == "day and row"
    assert dependence(bare, by="auto", fewest=60).by == "row"


def test_many_clusters_are_dealt_whole_into_groups_of_about_the_same_spread():
    rng = np.random.default_rng(3)
    card = rng.integers(0, 40_000, 90_000)
    rows = JudgedRows(np.zeros(card.size), np.zeros(card.size, dtype=np.int64), np.ones(card.size), card)
    found = dependence(rows, by="card", fewest=30)
    groups = found.units["card"]
    assert groups.max() + 1 <= MOST_GROUPS < found.clusters["card"]
    assert len(set(zip(card.tolist(), groups.tolist(), strict=True))) == np.unique(card).size
    effect = rng.normal(size=40_000)[card]
    spread, dealt = ((np.bincount(codes, weights=effect) ** 2).sum() for codes in (card, groups))
    assert dealt == pytest.approx(spread, rel=0.1)


def test_the_widest_unit_is_the_one_whose_residuals_add_up():
    rows = made_rows()
    found = dependence(rows, by="auto", fewest=30)
    residuals = np.random.default_rng(4).normal(size=40)[rows.merchant]
    assert found.widest(residuals) is found.units["merchant"]
    assert found.widest_name(residuals) == "merchant"


def test_rows_without_a_merchant_do_not_make_two_merchants_enough():
    rows = made_rows()
    half = replace(rows, merchant=np.where(np.arange(600) % 2, -1, rows.merchant % 2))
    found = dependence(half, by="auto", fewest=30)
    assert found.by == "card and day"
    assert found.left_out == {"merchant": 2}
    drawn = dependence(half, by="merchant", fewest=2)
    assert drawn.clusters == {"merchant": 2}
    assert np.unique(drawn.units["merchant"]).size == 302


def test_a_column_without_a_single_id_is_no_column():
    rows = made_rows(days=14)
    nobody = np.full(600, -1)
    found = dependence(replace(rows, card=nobody, merchant=nobody), by="card", fewest=30)
    assert (found.by, dict(found.left_out)) == ("row", {})


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="clusters must be one of auto, card, merchant, day, row, got 'week'"):
        dependence(made_rows(), by="week", fewest=30)


def test_clusters_are_cards_days_or_rows():
    time = np.array([0, 1, DAY, DAY])
    assert cluster_codes(np.array([7, -1, 7, -1]), time, by="card").tolist() == [7, -2, 7, -4]
    assert cluster_codes(None, time, by="card").tolist() == [0, 1, 2, 3]
    assert cluster_codes(None, time, by="day").tolist() == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="clusters must be one of card, merchant, day, row, got 'week'"):
        cluster_codes(None, time, by="week")
