from itertools import pairwise

import pytest

from features.online.plan import online_plan
from features.online.records import ANSWERS, NONE
from features.windows.aggregates import AGGREGATES, Aggregate
from tests.fixtures.online_logs import SPEC, spec_for


def fields(plan, ids):
    return next(store for store in plan.tables.stores if ids == _ids(plan, store))


def _ids(plan, store):
    if store["left"] == NONE:
        return (plan.ids[store["last"]],)
    parts = (plan.tables.stores[store[name]] for name in ("left", "last"))
    return tuple(sorted(each for part in parts for each in _ids(plan, part)))


def test_columns_that_one_row_at_a_time_cannot_have_are_all_named():
    asked = {"card": ["count"], "merchant": ["compromised_cards"]}
    spec = spec_for(include_current=True, aggregates=asked, entities=["card", "merchant"])
    with pytest.raises(ValueError, match=r"(?s)4 faults.*'merchant_5s_compromised_cards': reads rows of other groups"):
        online_plan(spec)
    with pytest.raises(ValueError, match="'card_20s_count': rows of one time count one another"):
        online_plan(spec)


def test_an_aggregate_of_labels_without_a_window_must_have_a_loop(monkeypatch):
    ever = Aggregate(lambda chunk, _: chunk.amount, "", of="label", windowed=False, past_only=True)
    monkeypatch.setitem(AGGREGATES, "label_ever", ever)
    with pytest.raises(ValueError, match="'card_label_ever': an aggregate of labels without a window must be"):
        online_plan(spec_for(aggregates={"card": ["label_ever"]}))


def test_pairs_are_kept_where_ids_are_counted_and_as_long_as_they_are():
    plan = online_plan(spec_for(aggregates={"card": ["count", "9s_merchants"], "merchant": ["30s_count"]}))
    assert [*map(lambda store: _ids(plan, store), plan.tables.stores)] == [
        ("card_id",),
        ("merchant_id",),
        ("card_id", "merchant_id"),
    ]
    pair = fields(plan, ("card_id", "merchant_id"))
    assert pair["keep"] >= 9_000_000
    assert fields(plan, ("card_id",))["keep"] == 20_000_000
    assert fields(plan, ("merchant_id",))["keep"] == 30_000_000


def test_a_row_holds_what_its_columns_read_and_no_more():
    plan = online_plan(spec_for(aggregates={"card": ["merchants", "amount_sum"], "merchant": ["count"]}))
    card, merchant = fields(plan, ("card_id",)), fields(plan, ("merchant_id",))
    assert plan.tables.kinds[card["rows"]]["width"] == 5
    assert plan.tables.kinds[merchant["rows"]]["width"] == 1
    assert card["frauds"] == merchant["largest"] == NONE


def test_windowless_columns_keep_the_moments_that_they_ask_for():
    card = {"card": ["previous_4_seconds", "first_seen"], "merchant": ["count"], "card+merchant": ["first_seen"]}
    plan = online_plan(spec_for(aggregates=card))
    moments = [
        int(fields(plan, ids)["moments"]) for ids in (("card_id",), ("merchant_id",), ("card_id", "merchant_id"))
    ]
    assert moments == [4, 0, 1]


def test_every_aggregate_of_harbor_is_answered_by_a_loop():
    assert online_plan(SPEC).by_batch == ()
    assert {aggregate.online for aggregate in AGGREGATES.values()} <= set(ANSWERS)


def test_legitimate_labels_are_kept_where_they_are_asked_for_only():
    plan = online_plan(spec_for(aggregates={"card": ["fraud_count"], "merchant": ["fraud_rate"]}))
    assert fields(plan, ("card_id",))["frauds"] != NONE
    assert fields(plan, ("card_id",))["legits"] == NONE != fields(plan, ("merchant_id",))["legits"]


def test_parts_of_a_state_do_not_overlap():
    plan = online_plan(SPEC)
    ends = [plan.scratch, plan.groups, plan.known, plan.first]
    blanks = [(int(store["blank"]), int(store["blank"] + store["head"])) for store in plan.tables.stores]
    tables = [int(store["table"]) for store in plan.tables.stores]
    places = sorted([*blanks, *((table, table + 3072) for table in tables), *((end, end) for end in ends)])
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
