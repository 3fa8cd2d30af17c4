"""No more than so many are under way, and who waited too long is told apart."""

import asyncio
import time

import pytest

from pipeline.serve.admission import Admission, next_turn
from pipeline.serve.refusal import RefusalError


def test_one_more_than_may_be_is_sent_back_and_one_that_left_makes_room():
    admission = Admission(2, None)
    admission.enter()
    admission.enter()
    with pytest.raises(RefusalError, match="2 requests are under way") as found:
        admission.enter()
    assert found.value.status == 429
    admission.leave()
    admission.enter()
    assert admission.under_way == 2


def test_a_turn_that_comes_behind_the_budget_is_late():
    came = time.perf_counter()
    assert not Admission(1, None).is_late(came - 100)
    assert not Admission(1, 50.0).is_late(came)
    assert Admission(1, 50.0).is_late(came - 51)


def test_all_who_have_come_are_counted_before_the_first_has_its_turn():
    admission, seen = Admission(10, None), []

    async def request():
        admission.enter()
        await next_turn()
        seen.append(admission.under_way)
        admission.leave()

    async def requests():
        await asyncio.gather(*(request() for _ in range(5)))

    asyncio.run(requests())
    assert seen == [5, 4, 3, 2, 1]
