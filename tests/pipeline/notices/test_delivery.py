"""Notices are sent again where that helps, and never stand in the way of the command."""

import json
import sys
import time

import pytest

from pipeline.notices import delivery
from pipeline.notices.delivery import notices
from pipeline.notices.notice import Notice
from pipeline.notices.webhook import SIGNATURE
from pipeline.sections import NotifyConfig
from pipeline.storage.errors import InputError
from tests.fixtures.receivers import receiver

NOTICE = Notice("monitoring_alarm", {"reasons": ["log loss"]})


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.01)


def sent(environment=None, notice=NOTICE, **config):
    warned = []
    with notices(NotifyConfig(**config), warn=warned.append, environment=environment or {}) as tell:
        tell(notice)
    return warned


def test_a_receiver_that_fails_twice_gets_it_the_third_time():
    with receiver([500, 503, 200]) as got:
        assert sent({"HARBOR_WEBHOOK_KEY": "k"}, webhook=got.url) == []
    assert [json.loads(body)["event"] for _, body in got.got] == ["monitoring_alarm"] * 3
    assert len({headers[SIGNATURE] for headers, _ in got.got}) == 1


def test_what_did_not_arrive_is_a_warning_without_the_address():
    with receiver([500]) as got:
        (warning,) = sent(webhook=got.url, attempts=2)
    assert len(got.got) == 2
    assert "did not reach the webhook: it answered 500 (attempt 2 of 2)" in warning
    assert "secret" not in warning


def test_a_refusal_for_good_is_not_tried_again():
    with receiver([404]) as got:
        assert len(sent(webhook=got.url)) == 1
    assert len(got.got) == 1


def test_the_command_goes_on_at_once_and_waits_at_its_end_no_longer_than_its_patience():
    slow = (sys.executable, "-S", "-c", "import time; time.sleep(5)")
    warned, began = [], time.monotonic()
    with notices(NotifyConfig(command=slow, patience=0.2, timeout=9), warn=warned.append, environment={}) as tell:
        tell(NOTICE)
        told = time.monotonic() - began
    assert told < 2
    assert time.monotonic() - began < 4
    assert "still under way" in warned[0]


def test_an_error_of_the_command_is_not_hidden_and_the_notice_goes_out_all_the_same():
    def failing(url):
        with notices(NotifyConfig(webhook=url), warn=print, environment={}) as tell:
            tell(NOTICE)
            raise ZeroDivisionError("division")

    with receiver([200]) as got, pytest.raises(ZeroDivisionError, match="division"):
        failing(got.url)
    assert len(got.got) == 1


def test_the_address_in_the_environment_wins_and_must_be_one():
    with receiver([200]) as got:
        assert sent({"HARBOR_WEBHOOK": got.url}, webhook="https://example.invalid") == []
    assert len(got.got) == 1
    with pytest.raises(InputError, match="HARBOR_WEBHOOK must be an address"):
        sent({"HARBOR_WEBHOOK": "file:///etc/passwd"})


def test_nobody_to_tell_is_no_work():
    assert sent() == []
