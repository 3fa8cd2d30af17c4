import numpy as np
import pytest

from features.online.plan import online_plan
from features.online.state import Outcome, event_words
from features.windows.kernels import NO_EVENT
from pipeline.serve.engine import LabelTaken
from pipeline.serve.row_features import RowFeatures
from pipeline.serve.shards import NearShard, Ownership, Partial, ToldLabel
from tests.fixtures.online_logs import KEYS
from tests.fixtures.serving import SPEC, engine_of, some_rows, state_of

IDS = ("card_id", "merchant_id")
NAMES = [column.name for column in SPEC.columns if column.entity]


@pytest.fixture
def shard(tmp_path):
    made = NearShard(engine_of(tmp_path / "serve", state_of(tmp_path / "state", some_rows(30))))
    yield made
    made.close()


def test_every_row_with_a_card_has_an_owner_and_all_rows_of_a_card_the_same_one():
    owned = Ownership(SPEC, IDS, 4)
    rows = some_rows(200)
    found = {}
    for row in rows:
        owners = owned.owners(event_words(RowFeatures(SPEC, IDS).event(row), online_plan(SPEC), KEYS))
        assert owners.keys() == {name for name in ("card_id", "merchant_id") if row[name] is not None}
        for name, shard in owners.items():
            assert found.setdefault((name, row[name]), shard) == shard
    assert {*found.values()} == {0, 1, 2, 3} & {*found.values()}
    assert len({*found.values()}) > 1


def test_pairs_are_of_the_owner_of_the_card_and_columns_of_a_null_id_are_missing():
    owned = Ownership(SPEC, IDS, 2)
    partials = {number: Partial(Outcome.EXACT, np.full(len(NAMES), number, np.float32)) for number in (0, 1)}
    joined = dict(zip(NAMES, owned.joined({"card_id": 0, "merchant_id": 1}, partials).tolist(), strict=True))
    assert {value for name, value in joined.items() if name.startswith("card_")} == {0.0}
    assert {value for name, value in joined.items() if name.startswith("merchant_")} == {1.0}
    alone = dict(zip(NAMES, owned.joined({"merchant_id": 1}, partials).tolist(), strict=True))
    assert all(np.isnan(value) == name.startswith("card_") for name, value in alone.items())


def test_a_row_that_a_shard_counted_is_answered_as_it_was_and_one_of_its_state_came_before(shard):
    row = some_rows(1, seed=2, first=40)[0] | {"card_id": "a"}
    shard.begin_take(row)
    first = shard.partial()
    digest = shard.engine.digest()
    shard.begin_take(some_rows(1, seed=3, first=41)[0] | {"card_id": "a"})
    shard.partial()
    shard.begin_take(row)
    again = shard.partial()
    assert (again.outcome, again.answers.tobytes()) == (first.outcome, first.answers.tobytes())
    assert shard.engine.digest() != digest
    shard.begin_take(some_rows(30)[0])
    assert shard.partial().outcome == Outcome.REPEATED
    shard.begin_take(row | {"amount_minor": 1})
    assert shard.partial().outcome == Outcome.CONFLICT
    assert shard.label(ToldLabel("t40", 1, row["event_time"] + 1)) == (LabelTaken.FOUND, NO_EVENT)
    assert shard.newest == shard.engine.newest


def test_there_is_no_answer_before_a_question(shard):
    with pytest.raises(ValueError, match="something must be asked before there is an answer"):
        shard.partial()
