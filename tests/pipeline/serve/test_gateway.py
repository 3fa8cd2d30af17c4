import numpy as np
import pytest

from features.online.state import Outcome
from pipeline.online.replayed_log import read_log, replayed
from pipeline.online.skew import log_skew
from pipeline.serve.engine import BUNDLE, LabelTaken
from pipeline.serve.gateway import Gateway
from pipeline.serve.shards import NearShard, ToldLabel, shard_start
from pipeline.storage.locks import LockedError
from tests.fixtures.online_logs import KEYS, SECOND
from tests.fixtures.serving import BOUNDS, OPEN, answer_of, engine_of, served, some_rows, state_of, with_past

ROWS = some_rows(150, seed=2, first=60, disorder=3.0)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return state_of(tmp_path_factory.mktemp("start") / "state", with_past(some_rows(60)))


def gateway_of(folder, start, count):
    own = shard_start(start, folder / "shard_start")
    shards = [NearShard(engine_of(folder / f"shard{number}", own)) for number in range(count)]
    given = {"shards": shards, "options": OPEN, "lateness": BOUNDS.lateness}
    return Gateway.opened(folder / "gateway", start=start, keys=KEYS, **given)


def told(engine):
    """Every answer to all events, some of them sent again, with labels that come, change and are withdrawn."""
    found = []
    for number, row in enumerate(ROWS):
        found.append((served(engine, row).outcome, answer_of(engine.look(some_rows(1, seed=number, first=260)[0]))))
        found.append(engine.stored(row["transaction_id"]).answer)
        if number % 4 == 0:
            found.append(engine.label(f"t{60 + number // 2}", (1, 0, None)[number % 3]))
            found.append(engine.label(f"t{number // 2}", 1, row["event_time"]))
        if number % 9 == 0:
            found.append(engine.take(row).outcome)
            found.append(engine.take(row | {"amount_minor": 1}).outcome)
    return found


@pytest.fixture(scope="module")
def alone(start, tmp_path_factory):
    engine = engine_of(tmp_path_factory.mktemp("alone") / "serve", start)
    found = told(engine)
    assert {Outcome.EXACT, Outcome.LATE} <= {each[0] for each in found if isinstance(each, tuple)}
    engine.close()
    return found


@pytest.mark.parametrize("count", [1, 2, 4])
def test_shards_joined_have_every_bit_of_one_process(start, alone, tmp_path, count):
    gateway = gateway_of(tmp_path, start, count)
    assert told(gateway) == alone
    assert all(shard.engine.offset > 0 for shard in gateway.shards)
    gateway.close()
    assert log_skew(tmp_path / "gateway").unexplained == 0
    log = read_log(tmp_path / "gateway")
    answers = np.array([log.events[offset].answers for offset in log.rows])
    assert np.array_equal(replayed(log).answers, answers, equal_nan=True)


def test_a_gateway_goes_on_where_it_was(start, tmp_path):
    gateway = gateway_of(tmp_path, start, 2)
    for row in ROWS[:30]:
        served(gateway, row)
    gateway.note({BUNDLE: "one"})
    gateway.take(ROWS[30])
    gateway.close()
    again = gateway_of(tmp_path, start, 2)
    assert (again.offset, again.newest) == (32, max(row["event_time"] for row in ROWS[:31]))
    assert again.stored("t90").answer == b""
    assert again.take(ROWS[3]).outcome == Outcome.REPEATED
    again.close()


@pytest.mark.parametrize("number", [0, 1])
def test_a_row_that_one_owner_counted_before_a_crash_is_sent_again_and_counted_once(start, tmp_path, number):
    row = ROWS[0] | {"card_id": "a", "merchant_id": 2}
    whole, torn = gateway_of(tmp_path / "whole", start, 2), gateway_of(tmp_path / "torn", start, 2)
    owners = whole.ownership.owners(whole._words(row))
    torn.shards[[*owners.values()][number]].begin_take(row)
    digests = []
    for gateway in (whole, torn):
        digests.append([answer_of(served(gateway, row)), *(shard.engine.digest() for shard in gateway.shards)])
        digests[-1].append(answer_of(served(gateway, ROWS[1])))
        gateway.close()
    assert digests[0] == digests[1]


def test_a_label_that_one_shard_took_before_a_crash_is_logged_when_it_comes_again(start, tmp_path):
    gateway = gateway_of(tmp_path, start, 2)
    row = ROWS[0] | {"card_id": "a", "merchant_id": 2}
    served(gateway, row)
    at = gateway.newest + SECOND
    owner = gateway.ownership.owners(gateway._words(row))["card_id"]
    gateway.shards[owner].label(ToldLabel(row["transaction_id"], 1, at))
    assert gateway.label(row["transaction_id"], 1, at) == LabelTaken.FOUND
    assert gateway.label(row["transaction_id"], 1, at) == LabelTaken.UNCHANGED
    assert gateway.label("nobody", 1) == LabelTaken.UNKNOWN
    assert gateway.label(row["transaction_id"], 0, row["event_time"] - 1) == LabelTaken.TOO_EARLY
    assert (gateway.stored(row["transaction_id"]).label, gateway.offset) == (1, 2)
    gateway.close()


def test_what_the_gateway_refuses_reaches_no_shard(start, tmp_path):
    gateway = gateway_of(tmp_path, start, 2)
    digests = [shard.engine.digest() for shard in gateway.shards]
    refused = [ROWS[0] | {"amount_minor": -1}, ROWS[0] | {"event_time": 0}]
    assert [gateway.take(row).outcome for row in refused] == [Outcome.AMOUNT, Outcome.TOO_LATE]
    assert [shard.engine.digest() for shard in gateway.shards] == digests
    with pytest.raises(ValueError, match="must be what was taken last"):
        gateway.keep(gateway.look(ROWS[0]), b"")
    with pytest.raises(LockedError, match="another server is at work on"):
        Gateway.opened(tmp_path / "gateway", start=start, keys=KEYS, shards=gateway.shards)
    gateway.close()
