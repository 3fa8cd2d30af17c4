"""Rows of a canonical table as the events that a state accepts, for building one from history."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.online import known_rows
from features.online.id_keys import NULL, IdKeys
from features.online.plan import OnlinePlan
from features.online.records import KNOWN_WORDS
from features.windows.kernels import NO_EVENT


def table_events(
    table: pa.Table, *, plan: OnlinePlan, keys: IdKeys, key_column: str | None = None
) -> NDArray[np.int64]:
    """An event a row, in the table's order.

    Args:
        table: event_time, amount_minor and the ids of the plan; label and label_available_at where there are labels.
        plan: of the state that will accept them.
        keys: of that state.
        key_column: where rows are known by; None where they need not be known again.

    Returns:
        Words as `events` reads them [rows, 5 + 2 · ids].
    """
    events = np.zeros((table.num_rows, KNOWN_WORDS + 2 * len(plan.ids)), np.int64)
    events[:, known_rows.TIME] = table["event_time"].cast(pa.int64()).to_numpy()
    events[:, known_rows.AMOUNT] = table["amount_minor"].to_numpy()
    events[:, known_rows.LABEL] = _label_keys(table)
    for place, name in enumerate(plan.ids):
        events[:, KNOWN_WORDS + 2 * place : KNOWN_WORDS + 2 * place + 2] = _keys(table[name], keys)
    if key_column is not None:
        events[:, : known_rows.TIME] = _keys(table[key_column], keys)
    return events


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
