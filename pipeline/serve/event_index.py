"""Where each transaction stands in the log, and which label it has: for answers told before, and rows long forgotten.

A table of SQLite by the keyed hash of transaction_id. It knows nothing that the log does not say, so losing it costs
time alone: whatever is missing is read from the log at the next start. A second thread writes it, behind the log.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.id_keys import NULL
from pipeline.state.event_log import NOTE, ROW
from pipeline.state.log_scan import Segment
from pipeline.storage.errors import InputError

FILE = "index.sqlite"
WRITTEN_AT_ONCE = 512
NOWHERE = -1
KEY_BYTES = 16
TABLES = """
CREATE TABLE IF NOT EXISTS events (
    key BLOB PRIMARY KEY, offset INTEGER NOT NULL, segment INTEGER NOT NULL, place INTEGER NOT NULL, label INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (offset INTEGER PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY CHECK (one = 1), began TEXT NOT NULL, covered INTEGER NOT NULL);
"""
LOOK_UP = "SELECT offset, segment, place, label FROM events WHERE key = ?"
ADD = """
INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) DO UPDATE SET label = ?5,
offset = iif(offset < 0, ?2, offset), segment = iif(offset < 0, ?3, segment), place = iif(offset < 0, ?4, place)
"""


class Entry(NamedTuple):
    """What is known of a transaction.

    Attributes:
        offset: of its row in the log; NOWHERE where the log does not hold it, only its label.
        segment: first offset of the row's segment.
        place: the byte there.
        label: as `features.online.state.label_key` has it.
    """

    offset: int
    segment: int
    place: int
    label: int


class Block(NamedTuple):
    """Events of a segment.

    Attributes:
        offsets: of each [n].
        segment: first offset of their segment.
        places: the byte of each there [n].
        words: of each [n, words].
        are_labels: which change a label [n].
    """

    offsets: NDArray[np.int64]
    segment: int
    places: NDArray[np.int64]
    words: NDArray[np.int64]
    are_labels: NDArray[np.bool_]

    def rows(self) -> list[tuple[Any, ...]]:
        """As the table takes them, by key, what came first before what came later."""
        known = self.words[:, : known_rows.TIME].any(axis=1)
        offsets, places = (
            np.where(self.are_labels, NOWHERE, each)[known].tolist() for each in (self.offsets, self.places)
        )
        segments = np.where(self.are_labels, NOWHERE, self.segment)[known].tolist()
        joined = self.words[known, : known_rows.TIME].tobytes()
        keys = [joined[at : at + KEY_BYTES] for at in range(0, len(joined), KEY_BYTES)]
        labels = self.words[known, known_rows.LABEL].tolist()
        found = list(zip(keys, offsets, segments, places, labels, strict=True))
        return sorted(found, key=itemgetter(0))


class EventIndex:
    """The index of a log; made anew where it is lost, torn, or of another log.

    `covered` is the offset of the first event that is not in it.
    """

    def __init__(self, folder: Path, *, began: str, end: int) -> None:
        """Open the index of a log.

        Args:
            folder: of the log.
            began: digest of the state that the first event met: says which log it is.
            end: offset behind the last event of the log; an index that knows more is of a log that was cut.
        """
        self._path, self._began = folder / FILE, began
        self._new: dict[bytes, Entry] = {}
        self._on_its_way: dict[bytes, Entry] = {}
        self._notes: dict[int, str] = {}
        self._written: Future[None] | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index")
        try:
            self._connection = self._opened(end)
        except (sqlite3.DatabaseError, TypeError):
            self._connection = self._anew()
        self.covered = int(self._connection.execute("SELECT covered FROM log").fetchone()[0])

    def find(self, key: bytes) -> Entry | None:
        """What is known of a transaction by its key, 16 bytes.

        Raises:
            InputError: the file was damaged since it was opened.
        """
        found = self._new.get(key) or self._on_its_way.get(key)
        if found is not None:
            return found
        try:
            row = self._connection.execute(LOOK_UP, (key,)).fetchone()
        except sqlite3.DatabaseError:
            raise InputError(f"{self._path} must be whole, but it is damaged: a start without it mends it") from None
        return None if row is None else Entry(*row)

    def held(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of some keys whose rows the log holds."""
        return {key for key in keys if (entry := self.find(key)) is not None and entry.offset >= 0}

    def note(self, offset: int) -> Mapping[str, Any] | None:
        """What a note of the log says; None where there is none at that offset."""
        text = self._notes.get(offset)
        if text is None:
            row = self._connection.execute("SELECT content FROM notes WHERE offset = ?", (offset,)).fetchone()
            text = None if row is None else str(row[0])
        found: Mapping[str, Any] | None = None if text is None else json.loads(text)
        return found

    def add_row(self, key: bytes, entry: Entry) -> None:
        """A row was logged that the index does not hold."""
        if key != NULL:
            self._new[key] = entry
        self._step(entry.offset)

    def add_label(self, key: bytes, offset: int, label: int) -> None:
        """A label was logged at an offset."""
        known = self.find(key) or Entry(NOWHERE, NOWHERE, NOWHERE, label)
        self._new[key] = known._replace(label=label)
        self._step(offset)

    def add_note(self, offset: int, content: Mapping[str, Any]) -> None:
        """A note was logged."""
        self._notes[offset] = json.dumps(dict(content))
        self._step(offset)

    def add_segment(self, segment: Segment, width: int) -> None:
        """What the records of a segment say, from `covered` on; they are on the disk when this returns."""
        own = segment.part(self.covered, segment.first + len(segment))
        if not len(own):
            return
        kinds = own.heads["kind"]
        for number in np.flatnonzero(kinds == NOTE).tolist():
            self._notes[own.first + number] = json.dumps(dict(own.event(number).row))
        events = np.flatnonzero(kinds != NOTE)
        words = own.words(width)[events]
        block = Block(own.first + events, int(own.path.stem), own.places[:-1][events], words, kinds[events] != ROW)
        self.add_block(block, end=own.first + len(own))

    def add_block(self, block: "Block", *, end: int) -> None:
        """Rows and labels were logged; they are on their way to the disk when this returns.

        Args:
            block: the events.
            end: offset behind the last record.
        """
        self.flush()
        self.covered = end
        self._write(self._connection, block.rows(), self._notes, end)
        self._notes = {}

    def flush(self) -> None:
        """Write all that is new; the index is behind the log no more when this returns."""
        self._wait()
        self._write(self._connection, _rows(self._new), self._notes, self.covered)
        self._new, self._notes = {}, {}

    def close(self) -> None:
        """Write what is new as far as the disk takes it, and let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self.flush()
        self._writer.shutdown()
        self._connection.close()

    def _step(self, offset: int) -> None:
        self.covered = offset + 1
        if len(self._new) >= WRITTEN_AT_ONCE and (self._written is None or self._written.done()):
            self._wait()
            self._on_its_way, self._new = self._new, {}
            self._written = self._writer.submit(
                self._write_beside, _rows(self._on_its_way), dict(self._notes), self.covered
            )

    def _wait(self) -> None:
        """Let the other thread end; what it could not write is new again."""
        if self._written is not None:
            failed = self._written.exception() is not None
            if failed:
                self._new = {**self._on_its_way, **self._new}
            self._written, self._on_its_way = None, {}

    def _write_beside(self, rows: list[tuple[Any, ...]], notes: dict[int, str], covered: int) -> None:
        with contextlib.closing(_connected(self._path)) as connection:
            self._write(connection, rows, notes, covered)

    def _write(
        self, connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]], notes: dict[int, str], covered: int
    ) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(ADD, rows)
            connection.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", notes.items())
            connection.execute("UPDATE log SET covered = ?", (covered,))

    def _opened(self, end: int) -> sqlite3.Connection:
        connection = _connected(self._path)
        try:
            connection.executescript(TABLES)
            connection.execute("INSERT OR IGNORE INTO log VALUES (1, ?, 0)", (self._began,))
            began, covered = connection.execute("SELECT began, covered FROM log").fetchone()
            if began != self._began or covered > end:
                raise sqlite3.DatabaseError("it is the index of another log")
        except BaseException:
            connection.close()
            raise
        return connection

    def _anew(self) -> sqlite3.Connection:
        for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
            self._path.with_name(name).unlink(missing_ok=True)
        return self._opened(0)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _rows(entries: Mapping[bytes, Entry]) -> list[tuple[Any, ...]]:
    return [(key, *entry) for key, entry in entries.items()]
