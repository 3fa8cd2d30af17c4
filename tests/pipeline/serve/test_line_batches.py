"""A body of many lines is one row after the other."""

import json

from tests.fixtures.live_service import asked, live_service

LINES = "application/x-ndjson"


def body_of(rows):
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


def test_a_batch_is_answered_as_its_rows_would_be_one_by_one(small_run, tmp_path, rows):
    with live_service(small_run, tmp_path / "one") as opened:
        single = [asked(opened.app, "/v1/score", row).json for row in rows]
        digest = opened.service.engine.digest()
    with live_service(small_run, tmp_path / "other") as opened:
        found = asked(opened.app, "/v1/score/batch", body_of(rows), content=LINES)
        assert found.lines == single
        assert found.headers["content-type"] == LINES
        assert opened.service.engine.digest() == digest


def test_a_bad_line_says_so_in_its_place_and_costs_the_others_nothing(app, rows):
    lines = [rows[0], b"{nope", {**rows[1], "amount": "abc"}, rows[0], {**rows[0], "amount": 1.25}, rows[2]]
    found = asked(app, "/v1/score/batch", body_of(lines), content=LINES).lines
    assert [each.get("status", 200) for each in found] == [200, 400, 422, 200, 409, 200]
    assert found[0] == found[3]
    assert found[2]["fields"] == ["amount"]
    assert app.service.engine.offset == 1 + 2


def test_events_and_labels_come_by_the_line_too(app, rows):
    found = asked(app, "/v1/events", body_of(rows[:3]), content=LINES).lines
    assert [each["outcome"] for each in found] == ["exact"] * 3
    labels = [{"transaction_id": row["transaction_id"], "label": 0} for row in rows[:3]]
    told = asked(app, "/v1/labels", body_of([*labels, {"transaction_id": "?", "label": 1}]), content=LINES).lines
    assert [each.get("outcome", each.get("status")) for each in told] == ["found"] * 3 + [404]


def test_a_body_with_more_lines_than_may_be_is_refused_whole(app, monkeypatch):
    monkeypatch.setattr("pipeline.serve.line_batches.MOST_LINES", 3)
    digest = app.service.engine.digest()
    assert asked(app, "/v1/score/batch", b"{}\n" * 4, content=LINES).status == 413
    assert app.service.engine.digest() == digest
