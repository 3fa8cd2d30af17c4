"""The keys of ids that known rows had: a state keeps where a row's groups are, and each group says whose it is."""

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.answers import ABSENT
from features.online.arena import KNOWN, KNOWN_KIND
from features.online.records import HIGH, KNOWN_WORDS, LOW
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
    found = np.zeros((len(keys), ids, 2), np.int64)
    for number, (high, low) in enumerate(keys):
        row = known_rows.known_row(memory, memory[KNOWN], memory[KNOWN_KIND], high, low)
        groups = memory[row + KNOWN_WORDS : row + KNOWN_WORDS + ids] if row else np.full(ids, ABSENT)
        for place in np.flatnonzero(groups != ABSENT).tolist():
            found[number, place] = memory[groups[place] + HIGH], memory[groups[place] + LOW]
    return found.reshape(len(keys), 2 * ids)
