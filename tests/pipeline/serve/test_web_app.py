"""Every path leads where it should, for who may go there, and nothing that breaks is told with its content."""

import asyncio
import hashlib
import json

import pytest

from pipeline.serve.line_batches import AT_ONCE
from tests.fixtures.live_service import asked, asking, live_service

SECRET = "s3cret"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/ping", "/v2/health/live", "/v2/health/ready"])
def test_a_service_that_stands_says_so(app, path):
    assert asked(app, path).status == 200


def test_a_draining_service_is_not_ready_and_answers_all_the_same(app, rows):
    app.draining = True
    assert (asked(app, "/health/ready").status, asked(app, "/health/live").status) == (503, 200)
    assert asked(app, "/v1/score", rows[0]).status == 200


@pytest.mark.parametrize("path", ["/v1/score", "/v1/events", "/v1/labels", "/v2/models/harbor/infer", "/invocations"])
def test_a_service_that_stops_takes_nothing(app, rows, path):
    digest = app.service.engine.digest()
    app.unready["stopping"] = "stopping"
    found = asked(app, path, rows[0])
    assert (found.status, found.headers["retry-after"]) == (503, "1")
    assert app.service.engine.digest() == digest


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nope", "GET", 404), ("/v1/transactions/", "GET", 404), ("/v1/score", "GET", 405), ("/metrics", "POST", 405)],
)
def test_what_there_is_not_is_said(app, path, method, status):
    assert asked(app, path, method=method).status == status


def test_each_path_needs_its_scope(small_run, tmp_path, rows):
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    (tmp_path / "tokens").write_text(f"label {digest}")
    with live_service(small_run, tmp_path / "served", tokens=tmp_path / "tokens") as opened:
        app, token = opened.app, [("authorization", f"Bearer {SECRET}")]
        for path, route in app.routes.items():
            found = asked(app, path, headers=token, method=route.method)
            expected = {"": 404 if path.endswith("/") else 200, "label": 400}.get(route.scope, 403)
            assert found.status == expected, path
            bare = asked(app, path, method=route.method)
            if route.scope:
                assert (bare.status, bare.headers["www-authenticate"]) == (401, "Bearer"), path
        assert app.service.engine.offset == 1


def test_too_many_at_once_are_sent_back_and_counted_nowhere(small_run, tmp_path, rows):
    with live_service(small_run, tmp_path / "served", in_flight=3) as opened:

        async def burst():
            return await asyncio.gather(*(asking(opened.app, "/v1/score", row) for row in rows[:8]))

        found = asyncio.run(burst())
        assert [each.status for each in found] == [200] * 3 + [429] * 5
        assert found[-1].headers["retry-after"] == "1"
        assert opened.service.engine.offset == 1 + 3
        assert opened.app.admission.under_way == 0
        assert asked(opened.app, "/v1/score", rows[7]).status == 200


def test_rows_that_wait_too_long_are_counted_and_not_scored(small_run, tmp_path, rows):
    with live_service(small_run, tmp_path / "one", budget_ms=1e-6) as opened:
        shed = [asked(opened.app, "/v1/score", row) for row in rows[:5]]
        assert {(each.status, each.json["decision"]) for each in shed} == {(503, "review")}
        counted = opened.service.engine.digest()
    with live_service(small_run, tmp_path / "other") as opened:
        for row in rows[:5]:
            asked(opened.app, "/v1/score", row)
        assert opened.service.engine.digest() == counted


def test_with_durability_on_disk_an_answer_waits_for_the_flush(small_run, tmp_path, rows):
    with live_service(small_run, tmp_path / "served", durability="disk") as opened:

        async def burst():
            return await asyncio.gather(*(asking(opened.app, "/v1/score", row) for row in rows[:20]))

        found = asyncio.run(burst())
        assert {each.status for each in found} == {200}
        assert opened.app.commit.safe == opened.service.engine.offset
        assert opened.app.commit.flushes < 20


def test_an_error_is_told_by_its_place_and_without_its_content(app, rows, capsys, monkeypatch):
    def broken(*_, **__):
        raise KeyError("4111111111111111 of Mr. Miller")

    monkeypatch.setattr(app.service, "score", broken)
    found = asked(app, "/v1/score", rows[0])
    assert (found.status, b"Miller" in found.body) == (500, False)
    said = capsys.readouterr().out
    assert "KeyError" in said
    assert "Miller" not in said
    assert app.admission.under_way == 0


def test_other_requests_have_their_turn_between_the_lines_of_a_batch(app, rows):
    body, order = b"\n".join(line(row) for row in rows[: 2 * AT_ONCE]), []

    async def noted(name, request):
        await request
        order.append(name)

    async def both():
        batch = asking(app, "/v1/score/batch", body, content="application/x-ndjson")
        await asyncio.gather(noted("batch", batch), noted("one", asking(app, "/v1/score", rows[-1])))

    asyncio.run(both())
    assert order == ["one", "batch"]


def line(row):
    return json.dumps(row).encode()
