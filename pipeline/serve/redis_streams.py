"""Messages to shards over Redis Streams: a stream a shard, a stream of replies for each process that asks.

What the server keeps over a crash of its own is a matter of its `appendonly` and `appendfsync`; a message that it lost
is one that nobody was answered, so whoever asked asks again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis

from pipeline.serve.engine import Engine, EngineOptions
from pipeline.serve.shard_messages import FarShard, answer_messages
from pipeline.serve.shards import shard_start
from pipeline.state.history_state import id_keys
from pipeline.state.state_files import checked_state

GROUP = "harbor"
MOST_REPLIES = 10_000
"""That a stream of replies keeps; each is read at once."""
PATIENCE = 5_000
"""Milliseconds that a gateway waits for a shard."""
WAIT = 1_000
"""Milliseconds that a shard waits for a message before it asks anew."""
GRACE = 5
"""Seconds beyond these that the server has to say that there is nothing."""


class SilentShardError(RuntimeError):
    """A shard did not answer: whoever asked must be told to ask again."""


class RedisOutbox:
    """The gateway's end: each message says where its reply goes."""

    def __init__(self, url: str, stream: str, *, patience: int = PATIENCE) -> None:
        self._client: Any = redis.Redis.from_url(url, socket_timeout=patience / 1000 + GRACE)
        self._stream, self._replies = stream, f"{stream}:replies:{uuid4().hex}"
        self._patience, self._sent, self._read = patience, 0, "0"

    def send(self, message: bytes) -> None:
        """Add a message to the stream."""
        self._sent += 1
        self._client.xadd(self._stream, {"message": message, "number": self._sent, "replies": self._replies})

    def reply(self) -> bytes:
        """The reply to the last message; those to earlier ones that nobody waited for are left.

        Raises:
            SilentShardError: none came in time.
        """
        while found := self._client.xread({self._replies: self._read}, block=self._patience, count=1):
            ((place, fields),) = found[0][1]
            self._read = place
            if int(fields[b"number"]) == self._sent:
                reply: bytes = fields[b"reply"]
                return reply
        raise SilentShardError(f"{self._stream} must be answered within {self._patience} ms, but was not")

    def close(self) -> None:
        """Let go of the server, and of the replies."""
        self._client.delete(self._replies)
        self._client.close()


class RedisInbox:
    """A shard's end: one consumer of a group, so that the server knows what was done."""

    def __init__(self, url: str, stream: str) -> None:
        self._client: Any = redis.Redis.from_url(url, socket_timeout=WAIT / 1000 + GRACE)
        self._stream = stream
        self._waiting: dict[str, tuple[bytes, bytes]] = {}
        try:
            self._client.xgroup_create(stream, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """What was given and never done, then what comes."""
        since = "0"
        while True:
            found = self._client.xreadgroup(GROUP, GROUP, {self._stream: since}, count=256, block=WAIT)
            given = found[0][1] if found else []
            if since == "0" and not given:
                since = ">"
            for place, fields in given:
                self._waiting[place.decode()] = (fields[b"replies"], fields[b"number"])
                yield place.decode(), fields[b"message"]

    def done(self, place: str, reply: bytes) -> None:
        """Reply, and let the server forget that the message waits, both or neither."""
        replies, number = self._waiting.pop(place)
        together = self._client.pipeline(transaction=True)
        together.xadd(replies, {"number": number, "reply": reply}, maxlen=MOST_REPLIES, approximate=True)
        together.xack(self._stream, GROUP, place)
        together.execute()


def far_shards(url: str, name: str, count: int, *, patience: int = PATIENCE) -> list[FarShard]:
    """The shards of a name, as a gateway asks them.

    Args:
        url: of the server, redis://, rediss:// or unix://.
        name: what all of them have in common.
        count: how many there are.
        patience: milliseconds to wait for each.
    """
    return [FarShard(RedisOutbox(url, f"{name}:{number}", patience=patience)) for number in range(count)]


def run_shard(url: str, name: str, number: int, *, folder: Path, state: Path, secret: bytes | None = None) -> None:
    """Be a shard until the process ends.

    Args:
        url: of the server.
        name: what all shards have in common.
        number: of this one, from 0 on.
        folder: of its log; its own. Beside it lies what it began with, `<folder>-start`.
        state: that all shards and their gateway begin with.
        secret: under which the state's ids are hashed.
    """
    options = EngineOptions(ahead=None)
    start = shard_start(checked_state(state), folder.with_name(f"{folder.name}-start"))
    engine = Engine.opened(folder, start=start, keys=id_keys(secret), options=options)
    try:
        answer_messages(engine, RedisInbox(url, f"{name}:{number}"))
    finally:
        engine.close()
