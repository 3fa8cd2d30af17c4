"""The keys of ids that known rows had, found again: a state keeps where a row's groups are, not whose they are."""

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.arena import KNOWN, KNOWN_KIND
from features.online.key_tables import HIGH, LOW, PART_WORDS, PARTS, SLOT_WORDS, VALUE
from features.online.records import KNOWN_WORDS
from features.online.state import OnlineState
from features.windows.kernels import Int64


def ids_of_known(state: OnlineState, keys: Int64) -> NDArray[np.int64]:
    """Two words for each id of rows that are known by their keys, as their events had them.

    Args:
        state: that knows them.
        keys: of the rows [n, 2 words].

    Returns:
        [n, 2 · ids]; zeros where an id was null, or the row is not known.
    """
    memory, ids = state.memory, len(state.plan.ids)
    found = np.zeros((len(keys), 2 * ids), np.int64)
    rows = [known_rows.known_row(memory, memory[KNOWN], memory[KNOWN_KIND], high, low) for high, low in keys]
    for place in range(ids):
        groups = {row: int(memory[row + KNOWN_WORDS + place]) for row in rows if row}
        of_group = _keys_of(state, place, {*groups.values()})
        for number, row in enumerate(rows):
            if row and groups[row] in of_group:
                found[number, 2 * place : 2 * place + 2] = of_group[groups[row]]
    return found


def _keys_of(state: OnlineState, place: int, groups: set[int]) -> dict[int, tuple[int, int]]:
    """The key of each of some groups of an id."""
    memory, wanted = state.memory, np.array(sorted(groups), np.int64)
    stores = state.plan.tables.stores
    table = next(int(store["table"]) for store in stores if store["left"] < 0 and store["last"] == place)
    found: dict[int, tuple[int, int]] = {}
    for part in range(table, table + PARTS * PART_WORDS, PART_WORDS):
        slots = memory[memory[part] : memory[part] + memory[part + 1] * SLOT_WORDS].reshape(-1, SLOT_WORDS)
        own = slots[np.isin(slots[:, VALUE], wanted) & (slots[:, VALUE] != 0)]
        found |= {int(slot[VALUE]): (int(slot[HIGH]), int(slot[LOW])) for slot in own}
    return found
