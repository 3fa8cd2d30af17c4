"""A state from a table of history: what one would be to which all of its rows had come, one after the other."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.online.id_keys import LONGEST_SECRET, IdKeys
from features.online.plan import online_plan
from features.online.state import Bounds, OnlineState
from features.online.table_events import LabelChanges, table_events
from features.times import DAY, HOUR
from features.windows.spec import FeatureSpec

BOUNDS = Bounds(lateness=HOUR, ahead=None, remembered=180 * DAY)
"""Of a state that is exported: files have silent nights, so nothing is too far ahead; who serves may bound that."""


@dataclass(frozen=True)
class HistoryState:
    """A state, and changes of labels that are known and come only after its last event.

    Attributes:
        state: in which all rows are counted.
        to_come: by the moment at which each comes.
    """

    state: OnlineState
    to_come: LabelChanges


def id_keys(secret: bytes | None) -> IdKeys:
    """How ids become keys under the secret of [data] hash_key_env, or without one."""
    return IdKeys((secret or b"")[:LONGEST_SECRET])


def columns_read(spec: FeatureSpec, held: list[str], *, key_column: str | None) -> list[str]:
    """The columns of a canonical table that a state is made of.

    Args:
        spec: what the state answers.
        held: the table's columns.
        key_column: where rows are known by, if they are.
    """
    wanted = ("event_time", "amount_minor", "label", "label_available_at", "earlier_labels")
    names = dict.fromkeys([*wanted, *online_plan(spec).ids, *([key_column] if key_column else [])])
    return [name for name in names if name in held]


def history_state(
    table: pa.Table, spec: FeatureSpec, *, keys: IdKeys, key_column: str | None, bounds: Bounds = BOUNDS
) -> HistoryState:
    """The state behind all rows of a canonical table that is in order of event_time.

    Args:
        table: the columns of `columns_read`.
        spec: what the state answers.
        keys: how ids become keys.
        key_column: where rows are known by; None where their ids are their places in one file.
        bounds: of the state.

    Raises:
        InputError: columns cannot be answered one row at a time; all are named.
    """
    state = OnlineState.empty(spec, bounds=bounds, keys=keys)
    events = table_events(table, plan=state.plan, keys=keys, key_column=key_column)
    over = int(np.searchsorted(events.before, table.num_rows))
    made = type(events)(events.rows, events.changes.taken(slice(0, over)), events.before[:over])
    state.accept_table(made, np.empty((0, len(state.plan.names)), np.float32))
    return HistoryState(state, events.changes.taken(slice(over, None)))
