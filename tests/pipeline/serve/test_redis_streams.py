"""Shards in processes of their own behind a server that the test starts; skipped where there is none."""

import shutil
import subprocess
import sys
import time

import pytest

from features.online.state import Outcome
from pipeline.serve.gateway import Gateway
from tests.fixtures.online_logs import KEYS
from tests.fixtures.serving import BOUNDS, OPEN, answer_of, engine_of, served, some_rows, state_of, with_past

redis = pytest.importorskip("redis", reason="the extra redis is not installed")
if shutil.which("redis-server") is None:
    pytest.skip("there is no redis-server on this machine", allow_module_level=True)

from pipeline.serve.redis_streams import RedisInbox, RedisOutbox, SilentShardError, far_shards  # noqa: E402

SHARD = """
import sys
from pathlib import Path
from pipeline.serve.redis_streams import run_shard
url, number, folder, state = sys.argv[1:]
run_shard(url, "test", int(number), folder=Path(folder), state=Path(state), secret=b"a secret")
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    options = ("--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--appendonly", "yes", "--save", "")
    server = subprocess.Popen(("redis-server", *options), stdout=subprocess.DEVNULL)
    for _ in range(200):
        if socket.exists():
            break
        time.sleep(0.05)
    yield f"unix://{socket}"
    server.terminate()
    server.wait(timeout=30)


def shard_of(url, number, folder, state):
    command = (sys.executable, "-c", SHARD, url, str(number), str(folder / f"shard{number}"), str(state))
    return subprocess.Popen(command)


@pytest.fixture
def shards():
    """Starts shards, and ends those that still run."""
    running = []

    def started(*given):
        running.append(shard_of(*given))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.wait()


def told(engine, rows):
    found = []
    for number, row in enumerate(rows):
        found.append((served(engine, row).outcome, answer_of(engine.look(row | {"transaction_id": "if"}))))
        if number % 4 == 0:
            found.append(engine.label(row["transaction_id"], 1))
    return found


def test_shards_behind_the_server_have_every_bit_of_one_process_even_where_one_is_killed(url, tmp_path, shards):
    rows = some_rows(60, seed=2, first=60, disorder=3.0)
    start = state_of(tmp_path / "state", with_past(some_rows(60)))
    alone = engine_of(tmp_path / "alone", start)
    expected = [told(alone, part) for part in (rows[:30], rows[30:])]
    alone.close()
    first, _ = (shards(url, number, tmp_path, tmp_path / "state") for number in range(2))
    given = {"shards": far_shards(url, "test", 2, patience=60_000), "options": OPEN, "lateness": BOUNDS.lateness}
    gateway = Gateway.opened(tmp_path / "gateway", start=start, keys=KEYS, **given)
    assert told(gateway, rows[:30]) == expected[0]
    first.kill()
    first.wait()
    shards(url, 0, tmp_path, tmp_path / "state")
    assert told(gateway, rows[30:]) == expected[1]
    assert gateway.take(rows[5]).outcome == Outcome.REPEATED
    gateway.close()


def test_a_message_that_was_never_done_is_given_again_and_a_shard_that_is_silent_is_told_of(url):
    outbox, inbox = RedisOutbox(url, "alone", patience=100), RedisInbox(url, "alone")
    outbox.send(b"first")
    assert next(inbox.messages())[1] == b"first"
    with pytest.raises(SilentShardError, match="alone must be answered within 100 ms, but was not"):
        outbox.reply()
    outbox.send(b"second")
    again = RedisInbox(url, "alone")
    messages = again.messages()
    for expected in (b"first", b"second"):
        place, message = next(messages)
        assert message == expected
        again.done(place, b"reply to " + message)
    assert outbox.reply() == b"reply to second"
    outbox.close()
