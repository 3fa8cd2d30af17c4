import os

import numpy as np
import pyarrow as pa
import pytest

from features.online.state import Outcome
from features.windows.window_table import window_features
from pipeline.serve.engine import BUNDLE, EngineOptions, LabelTaken
from pipeline.state.event_log import LABEL, NOTE, ROW, logged_events
from pipeline.state.log_writer import LogFailedError
from pipeline.state.snapshots import AT, DIGEST
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError
from tests.fixtures.online_logs import SECOND
from tests.fixtures.serving import (
    OPEN,
    SPEC,
    answer_of,
    engine_of,
    served,
    some_rows,
    state_of,
    table_of_values,
    with_past,
)

HISTORY = with_past(some_rows(60))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return state_of(tmp_path_factory.mktemp("start") / "state", HISTORY)


@pytest.fixture
def engine(tmp_path, start):
    made = engine_of(tmp_path / "serve", start)
    yield made
    made.close()


def dropped(engine):
    """What a process that was killed leaves: nothing is written any more."""
    engine._held.close()
    engine.index._connection.close()
    engine.log.close()


def events(engine):
    return logged_events(engine.folder, features_sha256=engine.features_sha256)


def test_rows_in_order_have_every_bit_that_the_table_of_all_rows_has(tmp_path):
    rows = some_rows(120)
    rows[:60] = with_past(rows[:60])
    start = state_of(tmp_path / "state", rows[:60])
    assert start.manifest["labels_to_come"] > 9
    engine = engine_of(tmp_path / "serve", start)
    taken = [served(engine, row) for row in rows[60:]]
    engine.close()
    batch = window_features(table_of_values(rows), spec=SPEC, threads=1).slice(60)
    numbers = np.concatenate([each.numbers for each in taken])
    for place, name in enumerate(SPEC.numeric):
        expected = batch[name].cast(pa.float32()).fill_null(float("nan")).to_numpy()
        ours = np.ascontiguousarray(numbers[:, place])
        assert (np.isnan(ours) == np.isnan(expected)).all(), name
        assert (ours.view("u4") == np.ascontiguousarray(expected).view("u4"))[~np.isnan(ours)].all(), name
    for name in SPEC.categorical:
        assert [each.texts[name][0, 0] for each in taken] == batch[name].fill_null("").to_pylist()


def test_a_new_start_has_the_state_the_answers_and_the_index_of_the_one_before(engine, start):
    taken = []
    for number, row in enumerate(some_rows(80, seed=2, first=60, disorder=2.0)):
        taken.append(served(engine, row))
        if number % 5 == 0:
            engine.label(row["transaction_id"], 1)
    digest, told = engine.digest(), [engine.stored(f"t{60 + number}") for number in range(80)]
    assert [each.answer for each in told] == [answer_of(each) for each in taken]
    dropped(engine)
    again = engine_of(engine.folder, start)
    assert (again.digest(), again.offset, again.start.replayed) == (digest, engine.offset, engine.offset)
    assert [again.stored(f"t{60 + number}") for number in range(80)] == told
    again.close()


def test_what_if_answers_as_taking_does_and_changes_nothing(engine):
    for row in some_rows(30, seed=3, first=60, disorder=3.0):
        digest = engine.digest()
        looked = engine.look(row)
        assert engine.digest() == digest
        taken = served(engine, row)
        assert answer_of(looked) == answer_of(taken)
        assert (looked.outcome, looked.late) == (taken.outcome, taken.late)


def test_the_batch_functions_agree_with_every_answer_and_a_wrong_bit_is_seen(engine):
    for row in some_rows(40, seed=4, first=60, disorder=3.0):
        taken = engine.take(row)
        assert engine.audit(taken) == 0
        taken.answers.view(np.uint32)[3] ^= 1
        assert engine.audit(taken) == 1 or np.isnan(taken.answers[3])


def test_the_same_row_again_changes_nothing_and_another_one_under_its_id_names_what_differs(engine):
    row = some_rows(1, seed=5, first=60)[0] | {"card_id": "a", "merchant_id": 2}
    first = served(engine, row)
    digest, offset = engine.digest(), engine.offset
    for _ in range(100):
        assert engine.take(row).outcome == engine.look(row).outcome == Outcome.REPEATED
    other = engine.take(row | {"card_id": "b", "amount_minor": row["amount_minor"] + 1})
    assert other.outcome == Outcome.CONFLICT
    assert engine.differing(other) == ("amount", "card_id")
    assert (engine.digest(), engine.offset) == (digest, offset)
    assert engine.stored(row["transaction_id"]).answer == answer_of(first)


def test_a_row_too_late_to_be_counted_is_answered_once_all_the_same(engine):
    rows = some_rows(2, seed=6, first=200)
    served(engine, rows[0])
    late = rows[1] | {"event_time": rows[0]["event_time"] - 30 * SECOND}
    assert served(engine, late).outcome == Outcome.TOO_LATE
    offset = engine.offset
    assert engine.take(late).outcome == Outcome.REPEATED
    assert engine.take(late | {"amount_minor": 1}).outcome == Outcome.CONFLICT
    assert engine.offset == offset


def test_a_clock_ahead_and_an_amount_without_bound_are_refused_and_leave_nothing(tmp_path, start):
    engine = engine_of(tmp_path / "serve", start, EngineOptions(ahead=5 * SECOND, digest_every=0))
    row = some_rows(1, first=60)[0]
    digest = engine.digest()
    ahead = engine.take(row | {"event_time": engine.newest + 5 * SECOND + 1})
    amount = engine.take(row | {"amount_minor": 2**40 + 1})
    assert (ahead.outcome, amount.outcome) == (Outcome.TOO_FAR_AHEAD, Outcome.AMOUNT)
    with pytest.raises(ValueError, match="must not have been kept or refused"):
        engine.keep(ahead, b"")
    assert (engine.digest(), engine.offset) == (digest, 0)
    assert engine.take(row | {"event_time": engine.newest + 5 * SECOND}).outcome == Outcome.EXACT
    engine.close()


def test_a_row_whose_answer_never_came_is_logged_before_the_next_change(engine):
    rows = some_rows(2, first=60)
    engine.take(rows[0])
    second = engine.take(rows[1])
    engine.keep(second, b"yes")
    assert [(event.row["transaction_id"], event.answer) for event in events(engine)] == [("t60", b""), ("t61", b"yes")]


def test_a_label_is_found_once_and_told_of_rows_that_the_state_has_forgotten(engine):
    rows = some_rows(3, first=60)
    for row in rows:
        served(engine, row)
    assert engine.label("t60", 1) == LabelTaken.FOUND
    assert engine.label("t60", 1) == LabelTaken.UNCHANGED
    assert engine.label("nobody", 1) == LabelTaken.UNKNOWN
    assert engine.label("t61", 1, rows[1]["event_time"] - 1) == LabelTaken.TOO_EARLY
    served(engine, rows[2] | {"transaction_id": "x9", "event_time": rows[2]["event_time"] + 1000 * SECOND})
    for number in range(30):
        served(engine, rows[2] | {"transaction_id": f"u{number}", "event_time": engine.newest + SECOND})
    assert engine.state.label_of(np.frombuffer(engine.state.keys.key("t61"), np.int64)) is None
    assert engine.label("t61", 1, rows[1]["event_time"] + SECOND) == LabelTaken.FOUND
    assert engine.label("t61", 1) == LabelTaken.UNCHANGED
    assert (engine.stored("t61").label, engine.stored("t60").label, engine.stored("t62").label) == (1, 1, None)
    assert engine.label("t61", None) == LabelTaken.FOUND
    assert engine.stored("t61").label is None
    assert engine.label("elsewhere", 1, None, {"card_id": "a"}) == LabelTaken.FOUND


def test_a_label_enters_the_windows_of_forgotten_rows_as_of_known_ones(tmp_path, start):
    rows = some_rows(3, first=60)
    rows = [row | {"card_id": "a"} for row in rows]
    answers = []
    for known in (True, False):
        engine = engine_of(tmp_path / f"{known}", start)
        for row in rows:
            served(engine, row)
        far = rows[2] | {"transaction_id": "far", "event_time": rows[2]["event_time"] + 1000 * SECOND}
        if known:
            engine.label("t60", 1, rows[0]["event_time"] + 1000 * SECOND)
        for number in range(30):
            far = far | {"transaction_id": f"u{number}", "event_time": far["event_time"] + SECOND // 10}
            served(engine, far)
        if not known:
            engine.label("t60", 1, rows[0]["event_time"] + 1000 * SECOND)
        later = far | {"transaction_id": "later", "event_time": far["event_time"] + SECOND}
        answers.append(answer_of(engine.take(later)))
        engine.close()
    assert answers[0] == answers[1]


def test_the_bundle_of_the_last_note_is_the_one_that_answered(engine):
    rows = some_rows(3, first=60)
    engine.note({BUNDLE: "one"})
    served(engine, rows[0])
    engine.note({"swap": "none"})
    served(engine, rows[1])
    engine.note({BUNDLE: "two"})
    served(engine, rows[2])
    assert [engine.stored(f"t{number}").model[BUNDLE] for number in (60, 61, 62)] == ["one", "one", "two"]


def test_digests_are_published_and_those_of_the_state_at_their_offset(tmp_path, start):
    engine = engine_of(tmp_path / "serve", start, EngineOptions(ahead=None, digest_every=10))
    digests = {}
    for row in some_rows(60, first=60):
        taken = engine.take(row)
        digests[engine.keep(taken, b"") + 1] = engine.digest()
        if engine._digest._found is not None:
            engine._digest._found.result()
    engine.close()
    notes = [event.row for event in events(engine) if event.kind == NOTE]
    assert len(notes) >= 5
    assert [digests.get(note[AT]) for note in notes[:-1]] == [note[DIGEST] for note in notes[:-1]]
    assert notes[-1] == {DIGEST: engine.digest(), AT: engine.offset - 1}
    assert {event.kind for event in events(engine)} == {ROW, NOTE}


def test_a_second_server_on_the_folder_is_told_so(engine, start):
    with pytest.raises(LockedError, match="another server is at work on"):
        engine_of(engine.folder, start)


def test_a_write_that_failed_ends_all_changes_until_a_new_start(engine, start, monkeypatch):
    rows = some_rows(4, first=60)
    first = served(engine, rows[0])
    digest = engine.digest()

    def full(file, content):
        raise OSError(28, "No space left on device")

    taken = engine.take(rows[1])
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LogFailedError, match="No space left on device"):
        engine.keep(taken, b"yes")
    monkeypatch.undo()
    assert not engine.is_writable
    for change in (lambda: engine.take(rows[2]), lambda: engine.label("t60", 1), lambda: engine.note({})):
        with pytest.raises(LogFailedError, match="start the server anew"):
            change()
    assert engine.stored("t60").answer == answer_of(first)
    engine.close()
    again = engine_of(engine.folder, start)
    assert (again.digest(), again.offset) == (digest, 1)
    assert served(again, rows[1]).outcome == Outcome.EXACT
    again.close()


def test_a_torn_end_is_cut_kept_aside_and_told(engine, start):
    for row in some_rows(3, first=60):
        served(engine, row)
    dropped(engine)
    (path,) = engine.folder.glob("*.seg")
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    again = engine_of(engine.folder, start)
    torn = again.start.torn
    assert (again.offset, torn.aside.read_bytes()) == (2, content[torn.place : -5])
    assert again.stored("t62") is None
    served(again, some_rows(3, first=60)[2])
    assert again.stored("t62").offset == 2
    again.close()


def test_another_state_and_a_log_without_its_beginning_are_refused(engine, start, tmp_path):
    served(engine, some_rows(1, first=60)[0])
    engine.close()
    few = SPEC.selected([*SPEC.names[:9]])
    with pytest.raises(InputError, match=r"features_sha256 of .* is another: take a new folder"):
        engine_of(engine.folder, state_of(tmp_path / "other", spec=few))
    (engine.folder / "state").rename(tmp_path / "aside")
    with pytest.raises(InputError, match="must hold the state that its log began with"):
        engine_of(engine.folder, start)
    (tmp_path / "aside").rename(engine.folder / "state")


def test_a_log_that_is_not_of_its_state_is_refused(engine, start, tmp_path):
    served(engine, HISTORY[0] | {"transaction_id": "new", "event_time": engine.newest})
    engine.close()
    (engine.folder / "state").rename(tmp_path / "aside")
    state_of(engine.folder / "state", [*HISTORY, HISTORY[0] | {"transaction_id": "new"}])
    with pytest.raises(InputError, match="events must end as the log says, but 1 do not, first event 0"):
        engine_of(engine.folder, start)


def test_labels_are_logged_with_what_was_before_them(engine):
    served(engine, some_rows(1, first=60)[0])
    engine.label("t60", 0)
    engine.label("t60", 1)
    first, second = [event for event in events(engine) if event.kind == LABEL]
    assert second.old == first.words[4]
    assert first.words[5:].tolist() == events(engine)[0].words[5:].tolist()
    assert OPEN.digest_every == 0
