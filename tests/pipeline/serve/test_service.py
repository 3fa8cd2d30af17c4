"""A row is answered once, from what came before it, and is in the log before anybody hears of it."""

import errno
import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.bundle.decision_rules import decision_rule
from pipeline.serve.refusal import RefusalError
from pipeline.serve.service import NOT_WRITABLE
from tests.fixtures.live_service import asked, live_service


def test_an_answer_has_all_that_an_audit_asks_for(app, rows, small_run):
    found = asked(app, "/v1/score?threshold=cost_optimal", rows[0])
    assert found.status == 200
    told, deployment = found.json, app.service.deployment
    thresholds = json.loads((small_run / "export" / "bundle" / "thresholds.json").read_text())
    rule = decision_rule(thresholds, "cost_optimal")
    assert told["transaction_id"] == "next-0"
    assert told["decision"] == ("flag" if rule.flags(told["probability"], rows[0]["amount"]) else "pass")
    assert told["threshold"] == {"name": "cost_optimal", "value": rule.threshold}
    assert told["model"]["manifest"] == deployment.manifest
    assert (told["exact"], told["late_seconds"], told["offset"]) == (True, 0.0, 1)


def test_the_point_that_a_bundle_ships_decides_where_none_is_named(app, rows, small_run):
    manifest = json.loads((small_run / "export" / "bundle" / "manifest.json").read_text())
    told = asked(app, "/v1/score", rows[0]).json
    assert told["threshold"]["name"] == manifest["point"] == "expected_loss"
    assert told["threshold"]["policy"] == "flag where p * amount >= alert_cost"
    expected = told["probability"] * rows[0]["amount"] >= told["threshold"]["alert_cost"]
    assert told["decision"] == ("flag" if expected else "pass")


def test_the_same_row_again_gets_the_same_bytes_and_changes_nothing(app, rows):
    first = asked(app, "/v1/score", rows[0])
    asked(app, "/v1/score", rows[1])
    digest, offset = app.service.engine.digest(), app.service.engine.offset
    again = asked(app, "/v1/score?threshold=alert_budget", dict(reversed(rows[0].items())))
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (app.service.engine.digest(), app.service.engine.offset) == (digest, offset)


def test_an_id_that_comes_with_other_content_is_refused_by_the_fields_that_differ(app, rows):
    asked(app, "/v1/score", rows[0])
    digest = app.service.engine.digest()
    found = asked(app, "/v1/score", {**rows[0], "amount": 77.25, "card_id": "another"})
    assert (found.status, set(found.json["fields"])) == (409, {"transaction_id", "amount", "card_id"})
    assert b"77.25" not in found.body
    assert app.service.engine.digest() == digest


def test_each_row_sees_the_ones_before_it(app, rows):
    first, second = rows[0], {**rows[1], "card_id": rows[0]["card_id"]}
    before = asked(app, "/v1/features", second).json["features"]["card_30d_count"]
    asked(app, "/v1/score", first)
    after = asked(app, "/v1/score?explain=features", second).json["features"]["card_30d_count"]
    assert after == before + 1


def test_a_question_changes_nothing_and_tells_what_the_row_would_get(app, rows):
    digest, offset = app.service.engine.digest(), app.service.engine.offset
    asking = asked(app, "/v1/features", rows[0]).json
    assert (app.service.engine.digest(), app.service.engine.offset) == (digest, offset)
    assert asked(app, "/v1/score?explain=features", rows[0]).json == {**asking, "offset": 1}


def test_a_row_is_counted_without_an_answer_once(app, rows):
    assert asked(app, "/v1/events", rows[0]).json == {"transaction_id": "next-0", "outcome": "exact", "offset": 1}
    again = asked(app, "/v1/events", rows[0])
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    refused = asked(app, "/v1/score", rows[0])
    assert (refused.status, "has no answer" in refused.json["error"]) == (409, True)


def test_reasons_are_given_for_flagged_rows_and_for_others_where_asked(app, rows):
    told = [asked(app, "/v1/score", row).json for row in rows]
    assert {bool(each["reasons"]) for each in told if each["decision"] == "pass"} <= {False}
    explained = asked(app, "/v1/features?explain=reasons", {**rows[0], "transaction_id": "x"}).json["reasons"]
    assert all({*each} == {"code", "text", "effect"} and each["effect"] > 0 for each in explained)
    assert [each["effect"] for each in explained] == sorted((each["effect"] for each in explained), reverse=True)


def test_a_clock_that_is_ahead_is_refused_and_a_long_silence_is_none(app, rows):
    now = datetime.now(UTC)
    times = {
        "ahead": now + timedelta(minutes=6),
        "within": now + timedelta(minutes=4),
        "long before": now - timedelta(days=1),
    }
    for path in ("/v1/score", "/v1/events", "/v1/features"):
        found = asked(app, path, {**rows[0], "event_time": times["ahead"].isoformat()})
        assert (found.status, found.json["fields"]) == (422, ["event_time"])
    assert app.service.engine.offset == 1
    for name in ("long before", "within"):
        row = {**rows[0], "transaction_id": name, "event_time": times[name].isoformat()}
        assert asked(app, "/v1/score", row).json["exact"]


def test_refusals_leave_nothing_behind(app, rows):
    ahead = json.dumps({**rows[0], "event_time": "2031-01-01T00:00:00Z"}).encode()
    depths = set()
    for _ in range(5):
        with pytest.raises(RefusalError) as found:
            app.service.score(ahead, app.service.choices(b""))
        depths.add(len(found.traceback))
    assert len(depths) == 1


def test_behind_a_row_from_the_future_the_next_ones_are_taken(app, rows, monkeypatch):
    monkeypatch.setattr("pipeline.serve.service.time_ns", lambda: 0)
    assert asked(app, "/v1/score", rows[0]).status == 200
    later = rows[1]["event_time"].replace("2024-07-01T23", "2024-07-02T03")
    assert asked(app, "/v1/score", {**rows[1], "event_time": later}).status == 422


def test_a_row_that_is_not_scored_is_counted_all_the_same_and_the_fallback_decides(app, rows):
    service = app.service
    reply = service.score(json.dumps(rows[0]).encode(), service.choices(b""), scored=False)
    told = json.loads(reply.body)
    assert (reply.status, told["decision"], told["probability"], told["shed"]) == (503, "review", None, True)
    again = asked(app, "/v1/score", rows[0])
    assert (again.status, again.body) == (503, reply.body)
    counted = service.engine.digest()
    with_score = asked(app, "/v1/score", {**rows[0], "transaction_id": "next-0"})
    assert service.engine.digest() == counted
    assert with_score.status == 503


def test_a_graph_that_fails_costs_an_answer_and_no_event(app, rows, monkeypatch):
    monkeypatch.setattr(type(app.service.deployment), "probability", lambda *_: 1 / 0)
    found = asked(app, "/v1/score", rows[0])
    assert (found.status, found.json["decision"]) == (503, "review")
    assert app.service.engine.stored("next-0").answer == found.body


def test_nothing_is_taken_once_the_log_cannot_be_written(app, rows, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    asked(app, "/v1/score", rows[0])
    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "writev", full)
    assert asked(app, "/v1/score", rows[1]).status == 503
    monkeypatch.undo()
    for path, body in (
        ("/v1/score", rows[2]),
        ("/v1/events", rows[2]),
        ("/v1/labels", {"transaction_id": 1, "label": 1}),
    ):
        assert (asked(app, path, body).status, asked(app, path, body).json["error"]) == (503, NOT_WRITABLE)
    assert asked(app, "/health/ready").status == 503
    assert asked(app, "/v1/transactions/next-0").status == 200


def test_every_nth_row_is_asked_of_the_batch_functions_too(small_run, tmp_path, rows):
    with live_service(small_run, tmp_path / "served", audit_every=4) as opened:
        for row in rows:
            asked(opened.app, "/v1/score", row)
        assert opened.service.metrics.total("audits") == 10
        assert opened.service.metrics.total("audit_mismatches") == 0


def test_a_value_that_the_batch_functions_answer_otherwise_is_counted(small_run, tmp_path, rows):
    with live_service(small_run, tmp_path / "served", audit_every=1) as opened:
        take = opened.service.engine.take

        def spoilt(values):
            taken = take(values)
            taken.answers[0] += 1
            return taken

        opened.service.engine.take = spoilt
        asked(opened.app, "/v1/score", rows[0])
        assert opened.service.metrics.total("audit_mismatches") == 1


def test_a_service_needs_the_operating_point_that_it_decides_by(small_run, tmp_path):
    found = pytest.raises(ValueError, match="must have the operating point 'nope', but it has alert_budget")
    with found, live_service(small_run, tmp_path / "served", threshold="nope"):
        pass
