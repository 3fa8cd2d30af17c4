"""A chargeback is about a transaction that is known, by the log or by the ids that come with it."""

import pytest

from tests.fixtures.live_service import asked

LATER = "2030-01-01T00:00:00Z"


def label(app, **given):
    return asked(app, "/v1/labels", given)


def frauds_of(app, row):
    merchant = {**row, "transaction_id": "asking", "event_time": row["event_time"]}
    return asked(app, "/v1/features", merchant).json["features"]["merchant_30d_fraud_count"]


def test_a_chargeback_is_known_to_later_rows_of_its_merchant(app, rows):
    first, later = rows[0], {**rows[1], "merchant_id": rows[0]["merchant_id"]}
    before = frauds_of(app, later)
    asked(app, "/v1/score", first)
    told = label(app, transaction_id="next-0", label=1, available_at=first["event_time"])
    assert told.json == {"transaction_id": "next-0", "outcome": "found", "offset": 2}
    assert frauds_of(app, later) == before + 1
    assert label(app, transaction_id="next-0", label=None).json["outcome"] == "found"
    assert frauds_of(app, later) == before


def test_a_label_that_comes_again_changes_nothing(app, rows):
    asked(app, "/v1/score", rows[0])
    label(app, transaction_id="next-0", label=1)
    digest, offset = app.service.engine.digest(), app.service.engine.offset
    again = label(app, transaction_id="next-0", label=True).json
    assert again == {"transaction_id": "next-0", "outcome": "unchanged"}
    assert (app.service.engine.digest(), app.service.engine.offset) == (digest, offset)


def test_a_label_of_a_row_of_the_run_s_history_is_found(app, small_run):
    from tests.fixtures.live_service import rows_of_run

    last = rows_of_run(small_run)[-1]
    assert label(app, transaction_id=last["transaction_id"], label=1, available_at=LATER).json["outcome"] == "found"


def test_a_label_of_a_row_that_nobody_knows_needs_its_ids(app, rows):
    found = label(app, transaction_id="unheard", label=1)
    assert (found.status, found.json["fields"]) == (404, ["transaction_id"])
    ids = {name: rows[0][name] for name in ("card_id", "merchant_id")}
    assert label(app, transaction_id="unheard", label=1, **ids).json["outcome"] == "found"
    assert frauds_of(app, rows[0]) >= 1


def test_a_label_from_before_its_transaction_is_refused(app, rows):
    asked(app, "/v1/score", rows[0])
    found = label(app, transaction_id="next-0", label=1, available_at="2020-01-01T00:00:00Z")
    assert (found.status, found.json["fields"]) == (422, ["available_at"])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"transaction_id": "t", "label": 2}, "label"),
        ({"transaction_id": "t", "label": "1"}, "label"),
        ({"transaction_id": "t"}, "label"),
        ({"label": 1}, "transaction_id"),
        ({"transaction_id": 1.5, "label": 1}, "transaction_id"),
        ({"transaction_id": "x" * 300, "label": 1}, "transaction_id"),
        ({"transaction_id": "t", "label": 1, "available_at": "soon"}, "available_at"),
        ({"transaction_id": "t", "label": 1, "available_at": "2024-05-01T00:00:00"}, "available_at"),
        ({"transaction_id": "t", "label": 1, "available_at": 5}, "available_at"),
        ({"transaction_id": "t", "label": 1, "amount": 5}, "amount"),
        ({"transaction_id": "t", "label": 1, "card_id": 1.5}, "card_id"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(app, given, field):
    digest = app.service.engine.digest()
    found = label(app, **given)
    assert (found.status, found.json["fields"]) == (422, [field])
    assert app.service.engine.digest() == digest
