import pytest

from features.online.state import Outcome
from pipeline.serve.kept_events import key_of
from pipeline.storage.errors import InputError
from tests.fixtures.serving import engine_of, served, some_rows, state_of


@pytest.fixture
def engine(tmp_path):
    made = engine_of(tmp_path / "serve", state_of(tmp_path / "state", some_rows(20)))
    yield made
    made.close()


def test_the_fate_of_a_row_is_that_of_its_id_time_amount_and_ids(engine):
    row = some_rows(1, seed=2, first=30)[0] | {"card_id": "a", "merchant_id": 2}
    words = served(engine, row).words
    fate = engine.events.fate
    assert fate(words) == Outcome.REPEATED
    for other in ({"event_time": 1}, {"amount_minor": 1}, {"card_id": None}, {"merchant_id": 3}):
        changed = engine.look(row | other).words
        assert fate(changed) == Outcome.CONFLICT
        assert engine.events.differing(changed) == tuple({"amount_minor": "amount"}.get(name, name) for name in other)
    new = engine.look(row | {"transaction_id": "new"}).words
    assert (fate(new), engine.events.differing(new)) == (Outcome.EXACT, ())
    labelled = engine.look(row | {"label": 1, "label_available_at": row["event_time"]}).words
    assert fate(labelled) == Outcome.REPEATED


def test_an_index_that_points_at_another_row_or_at_none_is_told(engine):
    first, second = (served(engine, row) for row in some_rows(2, seed=2, first=30))
    wrong = engine.events.entry(key_of(second.words))
    engine.index._new[key_of(first.words)] = wrong
    with pytest.raises(InputError, match=r"index\.sqlite must say where events are: a start without it mends it"):
        engine.stored("t30")
    engine.index._new[key_of(first.words)] = wrong._replace(place=wrong.place + 1)
    with pytest.raises(InputError, match="must hold a record at byte"):
        engine.stored("t30")
    engine.index._new[key_of(first.words)] = wrong._replace(segment=7)
    with pytest.raises(InputError, match="must be a segment of the log"):
        engine.stored("t30")
