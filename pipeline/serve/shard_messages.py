"""A shard that is far: what it is asked and what it answers, as messages that any log in order can carry.

`Outbox` and `Inbox` are all that a transport must be: messages of one shard in order, each given again until it is
done. Redis Streams are in `redis_streams`; of Kafka it would be a topic with a partition a shard, written by the
gateway, read by one consumer each that commits an offset once the message is done, and a topic of replies.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.online.state import Outcome
from pipeline.serve.engine import Engine
from pipeline.serve.live_events import LabelTaken
from pipeline.serve.shards import LabelEnd, NearShard, Partial, ToldLabel


class Outbox(Protocol):
    """The gateway's end of the way to a shard."""

    def send(self, message: bytes) -> None:
        """Send a message behind all earlier ones."""

    def reply(self) -> bytes:
        """The reply to the message that was sent last."""

    def close(self) -> None:
        """Let go of the transport."""


class Inbox(Protocol):
    """A shard's end."""

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """Each message with its place, in order; first those that were given to this shard and never done."""

    def done(self, place: str, reply: bytes) -> None:
        """Send a reply, and never give the message again."""


@dataclass
class FarShard:
    """A shard at the other end of a transport."""

    outbox: Outbox

    def begin_take(self, values: Mapping[str, Any]) -> None:
        """Send the row to be counted."""
        self._send("take", values=_plain(values))

    def begin_look(self, values: Mapping[str, Any]) -> None:
        """Send the row to be asked about."""
        self._send("look", values=_plain(values))

    def partial(self) -> Partial:
        """Wait for the answer."""
        told = json.loads(self.outbox.reply())
        return Partial(Outcome(told["outcome"]), np.frombuffer(bytes.fromhex(told["answers"]), "<f4"))

    def label(self, told: ToldLabel) -> LabelEnd:
        """Send a label, and wait for what became of it."""
        ids, values = told.ids and told.ids.hex(), told.values and _plain(told.values)
        self._send("label", told=told._replace(ids=None, values=None)._asdict(), ids=ids, values=values)
        end = json.loads(self.outbox.reply())
        return LabelEnd(LabelTaken(end["taken"]), end["old"])

    def change(self, words: NDArray[np.int64], old: int, moment: int) -> None:
        """Send a change of a label, and wait until it is made."""
        self._send("change", words=words.tolist(), old=int(old), moment=int(moment))
        self.outbox.reply()

    @property
    def newest(self) -> int | None:
        """Ask the shard."""
        self._send("newest")
        newest: int | None = json.loads(self.outbox.reply())["newest"]
        return newest

    def sync(self) -> None:
        """Wait until its log is on the disk."""
        self._send("sync")
        self.outbox.reply()

    def close(self) -> None:
        """Let go of the transport; the shard goes on."""
        self.outbox.close()

    def _send(self, what: str, **content: Any) -> None:
        self.outbox.send(json.dumps({"ask": what, **content}, allow_nan=False).encode())


def answer_messages(engine: Engine, inbox: Inbox) -> None:
    """Answer what comes, one message after the other, for as long as the inbox gives any.

    A message that was taken and not answered before a crash is given again: what it did is done once.
    """
    shard = NearShard(engine)
    for place, message in inbox.messages():
        inbox.done(place, json.dumps(_reply(shard, json.loads(message))).encode())


def _reply(shard: NearShard, asked: Mapping[str, Any]) -> dict[str, Any]:
    match asked["ask"]:
        case "take" | "look" as what:
            (shard.begin_take if what == "take" else shard.begin_look)(asked["values"])
            partial = shard.partial()
            return {"outcome": int(partial.outcome), "answers": partial.answers.astype("<f4").tobytes().hex()}
        case "label":
            ids = asked["ids"] and bytes.fromhex(asked["ids"])
            told = ToldLabel(**asked["told"])._replace(ids=ids, values=asked["values"])
            return shard.label(told)._asdict()
        case "change":
            shard.change(np.array(asked["words"], np.int64), asked["old"], asked["moment"])
            return {}
        case "newest":
            return {"newest": shard.newest}
        case "sync":
            shard.sync()
            return {}
    raise ValueError(f"a shard must be asked to take, look, label, change or sync, or for newest, got {asked['ask']!r}")


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """A canonical row as JSON: a missing number is null."""
    return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}
