"""A canonical table as the events that a state accepts, for building one from history: its rows, and changes of labels.

A row whose label changed brings the first one that it had. Each later one is a change of its own, which comes when the
one before it ends: behind all rows of that moment, for what becomes known at a moment is in no window of it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.earlier_labels import EarlierLabels, earlier_labels
from features.online import known_rows
from features.online.id_keys import NULL, IdKeys
from features.online.plan import OnlinePlan
from features.online.records import KNOWN_WORDS
from features.windows.kernels import NO_EVENT


@dataclass(frozen=True)
class LabelChanges:
    """M changes of labels, in the order in which they come.

    Attributes:
        events: words as `events` reads them, with the label from then on [M, words].
        old: the label before; NO_EVENT where there was none [M].
        moment: when each comes, microseconds: once a later row does [M].
    """

    events: NDArray[np.int64]
    old: NDArray[np.int64]
    moment: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.moment)

    def taken(self, places: NDArray[np.bool_ | np.int64] | slice) -> "LabelChanges":
        """Some of them, by a mask, a slice, or their places."""
        return LabelChanges(self.events[places], self.old[places], self.moment[places])

    def with_later(self, later: "LabelChanges") -> "LabelChanges":
        """Those that wait by their moments, with others that were told of after them."""
        joined = (
            np.concatenate([getattr(each, name) for each in (self, later)]) for name in ("events", "old", "moment")
        )
        whole = LabelChanges(*joined)
        return whole.taken(np.argsort(whole.moment, kind="stable"))


@dataclass(frozen=True)
class TableEvents:
    """The events of N rows.

    Attributes:
        rows: words as `events` reads them [N, words].
        changes: what became of their labels.
        before: how many rows come before each change [M].
    """

    rows: NDArray[np.int64]
    changes: LabelChanges
    before: NDArray[np.int64]


def table_events(table: pa.Table, *, plan: OnlinePlan, keys: IdKeys, key_column: str | None = None) -> TableEvents:
    """An event a row, in the table's order, and one for each label that took the place of another.

    Args:
        table: event_time, amount_minor and the ids of the plan; label, label_available_at and earlier_labels where
            there are labels.
        plan: of the state that will accept them.
        keys: of that state.
        key_column: where rows are known by; None where they need not be known again.
    """
    events = np.zeros((table.num_rows, plan.event_words), np.int64)
    events[:, known_rows.TIME] = table["event_time"].cast(pa.int64()).to_numpy()
    events[:, known_rows.AMOUNT] = table["amount_minor"].to_numpy()
    events[:, known_rows.LABEL] = _label_keys(table)
    for place, name in enumerate(plan.ids):
        events[:, KNOWN_WORDS + 2 * place : KNOWN_WORDS + 2 * place + 2] = _keys(table[name], keys)
    if key_column is not None:
        events[:, : known_rows.TIME] = _keys(table[key_column], keys)
    earlier = earlier_labels(table)
    if earlier is None:
        nothing = np.empty(0, np.int64)
        return TableEvents(events, LabelChanges(events[:0], nothing, nothing), nothing)
    return _with_changes(events, earlier)


def _with_changes(events: NDArray[np.int64], earlier: EarlierLabels) -> TableEvents:
    """The rows with the first label that each had, and the others behind the rows of the moment before them."""
    words = 2 * earlier.available + earlier.label
    goes_on = earlier.row[1:] == earlier.row[:-1]
    newest = events[earlier.row, known_rows.LABEL]
    later = np.where(np.append(goes_on, False), np.append(words[1:], 0), newest)
    changed = events[earlier.row]
    changed[:, known_rows.LABEL] = later
    first = np.append(True, ~goes_on)
    events[earlier.row[first], known_rows.LABEL] = words[first]
    newest_time = np.maximum.accumulate(events[:, known_rows.TIME])
    before = np.maximum(np.searchsorted(newest_time, earlier.until, side="right"), earlier.row + 1)
    order = np.lexsort((earlier.until, before))
    changes = LabelChanges(changed, words, earlier.until).taken(order)
    return TableEvents(events, changes, before[order])


def _label_keys(table: pa.Table) -> NDArray[np.int64]:
    if not {"label", "label_available_at"} <= set(table.column_names):
        return np.full(table.num_rows, NO_EVENT)
    available = table["label_available_at"].cast(pa.int64())
    found = pc.add(pc.multiply(available, 2), table["label"].cast(pa.int64()))
    keys: NDArray[np.int64] = pc.fill_null(found, int(NO_EVENT)).to_numpy()
    return keys


def _keys(ids: pa.ChunkedArray, keys: IdKeys) -> NDArray[np.int64]:
    """Two words each [rows, 2]; every id is hashed once."""
    encoded = ids.combine_chunks().dictionary_encode()
    known = np.frombuffer(b"".join([*map(keys.key, encoded.dictionary.to_pylist()), NULL]), np.int64).reshape(-1, 2)
    places = pc.fill_null(encoded.indices, len(known) - 1).to_numpy(zero_copy_only=False)
    words: NDArray[np.int64] = known[places]
    return words
