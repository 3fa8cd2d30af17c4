"""A webhook gets one signed POST; what another attempt could mend is told from what it could not."""

import hashlib
import hmac
import socket

import pytest

from pipeline.notices.notice import Notice
from pipeline.notices.webhook import DELIVERY, SIGNATURE, TIMESTAMP, DeliveryError, post
from tests.fixtures.receivers import receiver

NOTICE = Notice("monitoring_alarm", {"reasons": ["über"]}, seconds=1_700_000_000.9)


def test_the_receiver_can_check_who_sent_it_and_when():
    with receiver([204]) as got:
        post(got.url, NOTICE, key=b"shared", timeout=5)
    ((headers, body),) = got.got
    assert (headers[TIMESTAMP], headers[DELIVERY]) == ("1700000000", NOTICE.id)
    own = hmac.new(b"shared", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={own}"
    assert body == NOTICE.body


def test_without_a_key_there_is_no_signature():
    with receiver([200]) as got:
        post(got.url, NOTICE, key=None, timeout=5)
    assert SIGNATURE not in got.got[0][0]


@pytest.mark.parametrize(("answer", "final"), [(500, False), (503, False), (429, False), (404, True), (302, True)])
def test_only_a_fault_of_the_moment_is_worth_another_attempt(answer, final):
    with receiver([answer]) as got, pytest.raises(DeliveryError, match=f"it answered {answer}") as refused:
        post(got.url, NOTICE, key=None, timeout=5)
    assert refused.value.final is final
    assert len(got.got) == 1


def test_a_receiver_that_is_not_there_is_told_without_its_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/token"
        with pytest.raises(DeliveryError, match=r"^it could not be reached \(URLError\)$"):
            post(url, NOTICE, key=None, timeout=1)
