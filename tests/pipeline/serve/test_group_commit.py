"""Answers wait for the disk together, and leave in the order of the log."""

import asyncio
import threading

import pytest

from pipeline.serve.group_commit import GroupCommit
from pipeline.serve.refusal import RefusalError
from pipeline.state.log_writer import LogFailedError


def test_who_waits_is_answered_by_few_flushes_and_in_order():
    begun, go, left = [], threading.Event(), []

    def sync():
        begun.append(len(begun))
        go.wait(5)
        return 10 if len(begun) == 1 else 100

    commit = GroupCommit(sync)

    async def answer(offset):
        await commit.reached(offset)
        left.append((offset, commit.flushes))

    async def answers():
        waiting = asyncio.gather(*(answer(offset) for offset in (7, 3, 9, 40, 12)))
        await asyncio.sleep(0.05)
        assert left == []
        go.set()
        await waiting
        await answer(50)

    asyncio.run(answers())
    commit.close()
    assert left == [(3, 1), (7, 1), (9, 1), (12, 2), (40, 2), (50, 2)]


@pytest.mark.parametrize("error", [OSError("full"), LogFailedError("full")])
def test_nobody_is_answered_where_the_disk_fails(error):
    def sync():
        raise error

    commit = GroupCommit(sync)

    async def both():
        return await asyncio.gather(commit.reached(1), commit.reached(2), return_exceptions=True)

    found = asyncio.run(both())
    commit.close()
    assert [(type(each), each.status) for each in found] == [(RefusalError, 503)] * 2
