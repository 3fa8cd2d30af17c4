"""What the service is at the moment."""

from pipeline.serve.service_gauges import gauges
from tests.fixtures.live_service import asked


def test_gauges_follow_what_is_taken(app, rows):
    before = {name: value for name, (_, value) in gauges(app.service, app.admission).items()}
    for row in rows[:5]:
        asked(app, "/v1/score", row)
    after = {name: value for name, (_, value) in gauges(app.service, app.admission).items()}
    assert after["log_offset"] - before["log_offset"] == 5
    assert after["rows_counted"] - before["rows_counted"] == 5
    assert after["state_bytes"] >= before["state_bytes"] > 0
    assert 0 < after["state_share"] < 1
    assert after["requests_under_way"] == 0
    assert before["newest_event_age_seconds"] > after["newest_event_age_seconds"]


def test_a_log_that_cannot_be_written_is_told(app):
    app.service.engine.log.is_writable = False
    assert gauges(app.service, app.admission)["log_writable"][1] == 0
    app.service.engine.log.is_writable = True
