import numpy as np
import pyarrow as pa
import pytest

from features.online.state import Outcome
from features.schema.chargeback_reports import Reports
from features.split import LabelsConfig
from features.windows.window_table import window_features
from pipeline.online.raw_rows import RawRows
from pipeline.online.replayed_log import read_log, replayed
from pipeline.online.skew import log_skew
from pipeline.runs.settings import read_settings
from pipeline.sections import DataConfig
from pipeline.serve.catch_up import catch_up, caught_up
from pipeline.serve.engine import Engine
from pipeline.stages.export.online_state import write_state_of_run
from pipeline.state.event_log import LABEL, logged_events
from pipeline.state.history_state import id_keys
from pipeline.state.row_reading import Reading
from pipeline.state.snapshots import compacted
from pipeline.state.state_files import checked_state
from tests.fixtures.online_logs import SECOND
from tests.fixtures.serving import SPEC, engine_of, served, some_rows, state_of, table_of_values, with_past

READING = Reading(data=DataConfig(), labels=LabelsConfig())
ROWS = with_past(some_rows(150))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return state_of(tmp_path_factory.mktemp("start") / "state", ROWS[:60])


@pytest.fixture
def engine(tmp_path, start):
    made = engine_of(tmp_path / "serve", start)
    yield made
    made.close()


def given(engine, rows, reports=None, key_column="transaction_id"):
    raw = RawRows(table_of_values(rows), 0, reports)
    return caught_up(engine, raw, READING, key_column=key_column)


def test_a_row_behind_a_catch_up_has_the_bits_of_the_table_of_all_rows(engine):
    caught = given(engine, ROWS[:149])
    assert caught.outcomes == {Outcome.REPEATED: 60, Outcome.EXACT: 89}
    assert caught.labels > 9
    last = ROWS[149] | {"label": None, "label_available_at": None, "earlier_labels": None}
    taken = served(engine, last)
    batch = window_features(table_of_values([*ROWS[:149], last]), spec=SPEC, threads=1)
    expected = [batch[name][149].as_py() for name in SPEC.numeric]
    assert np.array_equal(taken.numbers[0], np.array(expected, np.float32), equal_nan=True)


def test_a_change_that_is_still_to_come_waits_over_a_new_start_and_a_snapshot(engine, start):
    given(engine, ROWS[:149])
    waiting = len(engine.history.to_come)
    assert waiting > 9
    reached, _ = compacted(engine.folder)
    assert len(reached.history.to_come) == waiting
    again = replayed(read_log(engine.folder)).after
    assert (again.state.digest(), len(again.to_come)) == (engine.digest(), waiting)
    for row in some_rows(200, seed=2, first=150):
        engine.keep(engine.take(row), b"")
    assert len(engine.history.to_come) == 0
    assert replayed(read_log(engine.folder)).after.state.digest() == engine.digest()
    assert log_skew(engine.folder).unexplained == 0
    assert engine.stored("t148").label == ROWS[148]["label"]
    engine_of_killed(engine, start).close()


def test_files_given_again_change_nothing_and_a_catch_up_that_was_cut_short_goes_on(engine, tmp_path, start):
    given(engine, ROWS[:100])
    given(engine, ROWS)
    digest, offset = engine.digest(), engine.offset
    for _ in range(3):
        caught = given(engine, ROWS)
        assert (caught.outcomes, caught.labels) == ({Outcome.REPEATED: 150}, 0)
    assert (engine.digest(), engine.offset) == (digest, offset)
    at_once = engine_of(tmp_path / "other", start)
    given(at_once, ROWS)
    assert at_once.state.rows == engine.state.rows
    again = engine_of_killed(at_once, start)
    assert again.offset == at_once.offset
    again.close()


def engine_of_killed(engine, start):
    digest = engine.digest()
    engine._held.close()
    engine.index._connection.close()
    engine.log.close()
    again = engine_of(engine.folder, start)
    assert again.digest() == digest
    return again


def test_rows_at_once_are_rows_one_by_one(engine, tmp_path, start):
    rows = some_rows(60, seed=3, first=60)
    given(engine, rows)
    single = engine_of(tmp_path / "single", start)
    for row in rows:
        single.keep(single.take(row), b"")
    assert single.digest() == engine.digest()
    ours, theirs = (logged_events(e.folder, features_sha256=e.features_sha256) for e in (engine, single))
    assert [each.record() for each in ours] == [each.record() for each in theirs]
    assert engine.stored("t77") == single.stored("t77")
    single.close()


def test_reports_of_rows_that_came_before_become_labels_once(engine):
    rows = some_rows(20, seed=4, first=60)
    given(engine, rows)
    at = np.array([rows[0]["event_time"] + 3 * SECOND, rows[1]["event_time"] + SECOND])
    reports = Reports(pa.array(["t60", "t61"]), np.array([0, 1, 2]), at, np.array([1, 1], np.int8), np.int8(-1), 0, 0)
    later = some_rows(5, seed=5, first=90)
    assert given(engine, later, reports).labels == 2
    assert given(engine, later, reports).labels == 0
    assert (engine.stored("t60").label, engine.stored("t60").label_available_at) == (1, int(at[0]))
    told = [e.row for e in logged_events(engine.folder, features_sha256=engine.features_sha256) if e.kind == LABEL]
    assert told == [{"transaction_id": "t61"}, {"transaction_id": "t60"}]


def test_rows_that_came_too_late_or_from_long_ago_are_told_and_counted_once(engine):
    served(engine, some_rows(1, seed=6, first=300)[0])
    late = some_rows(1, seed=6, first=220)
    assert given(engine, late).outcomes == {Outcome.TOO_LATE: 1}
    assert given(engine, late).outcomes == {Outcome.REPEATED: 1}
    other = some_rows(1, seed=7, first=60)[0]
    long_ago = other | {"transaction_id": "old", "event_time": engine.newest - 201 * SECOND}
    huge = some_rows(1, seed=8, first=310)[0] | {"amount_minor": 2**41}
    caught = given(engine, [long_ago, huge, ROWS[0] | {"amount_minor": 1}])
    assert (caught.forgotten, caught.outcomes) == (1, {Outcome.AMOUNT: 1, Outcome.CONFLICT: 1})


def test_rows_without_ids_are_known_by_the_last_time(engine):
    caught = given(engine, ROWS[:100], key_column=None)
    assert caught.outcomes == {Outcome.REPEATED: 60, Outcome.EXACT: 40}
    assert given(engine, ROWS[:100], key_column=None).outcomes == {Outcome.REPEATED: 100}


def test_files_bring_an_early_state_to_that_of_all_rows(small_run, raw, early, tmp_path):
    engine = Engine.opened(tmp_path / "serve", start=checked_state(early), keys=id_keys(None))
    caught = catch_up(engine, checked_state(early), [str(raw)])
    assert caught.outcomes[Outcome.EXACT] > 1000
    (tmp_path / "whole").mkdir()
    config = read_settings(small_run).config
    spec = small_run / "features" / "spec.json"
    whole = write_state_of_run(small_run / "ingest", spec, tmp_path / "whole", config=config)
    assert engine.digest() == whole["digest"]
    engine.close()
