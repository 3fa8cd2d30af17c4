import contextlib
import sqlite3
import time

import numpy as np
import pytest

from features.windows.kernels import NO_EVENT
from pipeline.serve.event_index import FILE, NOWHERE, WRITTEN_AT_ONCE, Entry, EventIndex
from pipeline.state.event_log import LABEL, NOTE, ROW, START_BYTES, LoggedEvent
from pipeline.state.log_scan import scanned
from pipeline.state.log_writer import LogWriter
from pipeline.storage.errors import InputError

DIGEST = "ab" * 32


def key(number):
    return np.array([number, -number], np.int64).tobytes()


def index_of(folder, *, end=10**6, began="here"):
    return EventIndex(folder, began=began, end=end)


def held(folder):
    with contextlib.closing(sqlite3.connect(folder / FILE)) as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT * FROM events")}


def test_rows_and_labels_are_found_at_once_and_after_a_new_start(tmp_path):
    index = index_of(tmp_path)
    index.add_row(key(1), Entry(0, 0, 40, 7))
    index.add_label(key(1), 1, 9)
    index.add_label(key(2), 2, 11)
    index.add_note(3, {"bundle": "one"})
    expected = {1: Entry(0, 0, 40, 9), 2: Entry(NOWHERE, NOWHERE, NOWHERE, 11), 3: None}
    for _ in range(2):
        assert {number: index.find(key(number)) for number in expected} == expected
        assert index.held([key(1), key(2), key(3)]) == {key(1)}
        assert (index.note(3), index.note(4), index.covered) == ({"bundle": "one"}, None, 4)
        index.close()
        index = index_of(tmp_path)
    index.close()


def test_much_is_written_by_another_thread_while_all_is_found(tmp_path):
    index = index_of(tmp_path)
    for number in range(3 * WRITTEN_AT_ONCE):
        index.add_row(key(number + 1), Entry(number, 0, number, int(NO_EVENT)))
        assert index.find(key(number // 2 + 1)).offset == number // 2
    deadline = time.monotonic() + 20
    while not held(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert held(tmp_path)
    index.close()
    assert len(held(tmp_path)) == 3 * WRITTEN_AT_ONCE


def test_what_could_not_be_written_is_written_later(tmp_path, monkeypatch):
    index = index_of(tmp_path)
    monkeypatch.setattr(index, "_write", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk is full")))
    for number in range(WRITTEN_AT_ONCE + 5):
        index.add_row(key(number + 1), Entry(number, 0, number, 0))
    assert index.find(key(1)) is not None
    monkeypatch.undo()
    index.close()
    assert len(held(tmp_path)) == WRITTEN_AT_ONCE + 5


def logged(folder, count):
    with LogWriter(folder, offset=0, features_sha256=DIGEST) as log:
        for number in range(count):
            kind = (ROW, LABEL, NOTE)[number % 3]
            row = number + 1 if kind == ROW else number
            words = np.array([row, -row, 0, 0, number, 5, 5], np.int64) if kind != NOTE else np.empty(0, np.int64)
            log.append(LoggedEvent(kind, words, 0, row={"note": number}).record())
    return scanned(folder / f"{0:020d}.seg", 0, features_sha256=DIGEST)


def test_an_index_made_from_the_log_is_the_one_that_was_written_along_it(tmp_path):
    segment = logged(tmp_path, 31)
    along, anew = index_of(tmp_path), None
    for number in range(31):
        event, place = segment.event(number), int(segment.places[number])
        if event.kind == ROW:
            along.add_row(event.words[:2].tobytes(), Entry(number, 0, place, int(event.words[4])))
        elif event.kind == LABEL:
            along.add_label(event.words[:2].tobytes(), number, int(event.words[4]))
        else:
            along.add_note(number, event.row)
    along.close()
    expected = held(tmp_path)
    for damage in ("lost", "torn", "other"):
        if damage == "lost":
            (tmp_path / FILE).unlink()
        elif damage == "torn":
            (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:5000])
        anew = index_of(tmp_path, began="there" if damage == "other" else "here", end=31)
        assert anew.covered == 0
        anew.add_segment(segment.part(0, 17), 7)
        anew.add_segment(segment, 7)
        assert (anew.covered, anew.note(2)) == (31, {"note": 2})
        anew.close()
        assert held(tmp_path) == expected
        index_of(tmp_path, began="there" if damage == "other" else "here", end=31).close()
    assert expected[key(4)] == (3, 0, int(segment.places[3]), 4)
    assert segment.places[0] == START_BYTES


def test_an_index_that_knows_more_than_the_log_is_made_anew(tmp_path):
    index = index_of(tmp_path)
    index.add_row(key(1), Entry(5, 0, 40, 7))
    index.close()
    again = index_of(tmp_path, end=5)
    assert (again.covered, again.find(key(1))) == (0, None)
    again.close()


def test_an_index_damaged_while_it_is_used_is_told(tmp_path):
    index = index_of(tmp_path)
    index._connection.execute("DROP TABLE events")
    with pytest.raises(InputError, match=r"index\.sqlite must be whole, but it is damaged"):
        index.find(key(1))
    index._connection.close()
    index._writer.shutdown()
