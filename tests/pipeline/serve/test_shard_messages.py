import json

import pytest

from pipeline.serve.gateway import Gateway
from pipeline.serve.shard_messages import FarShard, answer_messages
from pipeline.serve.shards import NearShard, shard_start
from tests.fixtures.online_logs import KEYS
from tests.fixtures.serving import BOUNDS, OPEN, answer_of, engine_of, served, some_rows, state_of, with_past


class Wire:
    """A transport within a process: the shard answers when the gateway waits; a message may be given twice."""

    def __init__(self, engine, *, twice=False):
        self.engine, self.twice, self.sent, self.replies = engine, twice, [], []

    def send(self, message):
        self.sent.append(message)

    def reply(self):
        answer_messages(self.engine, self)
        return self.replies[-1]

    def messages(self):
        waiting, self.sent = self.sent, []
        for message in waiting:
            yield "", message
            if self.twice:
                yield "", message

    def done(self, place, reply):
        self.replies.append(reply)

    def close(self):
        self.engine.close()


def gateway_of(folder, start, wrapped):
    own = shard_start(start, folder / "shard_start")
    shards = [wrapped(engine_of(folder / f"shard{number}", own)) for number in range(2)]
    given = {"shards": shards, "options": OPEN, "lateness": BOUNDS.lateness}
    return Gateway.opened(folder / "gateway", start=start, keys=KEYS, **given)


@pytest.mark.parametrize("twice", [False, True])
def test_far_shards_answer_as_near_ones_do_even_where_messages_are_given_twice(tmp_path, twice):
    start = state_of(tmp_path / "state", with_past(some_rows(60)))
    found = []
    for name, wrapped in (("near", NearShard), ("far", lambda engine: FarShard(Wire(engine, twice=twice)))):
        gateway = gateway_of(tmp_path / name, start, wrapped)
        told = []
        for number, row in enumerate(some_rows(60, seed=2, first=60, disorder=3.0)):
            told.append(answer_of(gateway.look(row)))
            told.append(answer_of(served(gateway, row)))
            if number % 3 == 0:
                told.append(gateway.label(f"t{60 + number}", 1))
                told.append(gateway.label(f"t{number}", 0, gateway.newest, {"card_id": "a"}))
        told.append(gateway.newest)
        assert gateway.sync() == gateway.offset
        gateway.close()
        found.append(told)
    assert found[0] == found[1]


def test_a_message_that_asks_for_something_else_is_refused(tmp_path):
    engine = engine_of(tmp_path / "serve", state_of(tmp_path / "state"))
    wire = Wire(engine)
    wire.send(json.dumps({"ask": "forget"}).encode())
    with pytest.raises(ValueError, match="must be asked to take, look, label, change or sync"):
        wire.reply()
    engine.close()
