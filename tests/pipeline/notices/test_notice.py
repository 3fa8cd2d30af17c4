"""A notice is one JSON object, the same id for the same thing, and holds no secret."""

import json

from pipeline.notices.notice import Notice


def test_a_notice_says_what_happened_and_when():
    body = json.loads(Notice("champion_changed", {"champion": "3"}, seconds=0.0).body)
    assert body.pop("id")
    assert body == {"event": "champion_changed", "time": "1970-01-01T00:00:00Z", "champion": "3"}


def test_the_same_thing_told_later_has_the_same_id_and_another_thing_another():
    first, later = (Notice("champion_changed", {"champion": "3"}, seconds=when) for when in (0.0, 99.0))
    assert first.id == later.id
    assert first.id != Notice("champion_changed", {"champion": "4"}).id


def test_a_card_number_in_a_reason_is_masked():
    assert b"4929123412341234" not in Notice("monitoring_alarm", {"reasons": ["card 4929123412341234"]}).body


def test_a_number_that_is_none_is_null():
    assert json.loads(Notice("monitoring_alarm", {"metrics": {"ece": float("nan")}}).body)["metrics"] == {"ece": None}
