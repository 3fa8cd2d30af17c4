"""Aggregates that no loop knows, answered by their own function: the group's rows and the row in hand, as a chunk.

What an aggregate says of a row depends on the rows of its group alone, so a chunk of one group is all it needs. Rows
at the row's own time and behind it are left out: no aggregate of the past may see them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.online.answers import ABSENT
from features.online.chains import END, FIRST, row_at
from features.online.plan import OnlinePlan
from features.times import DAY
from features.windows.chunk import Chunk
from features.windows.compilation import compiled
from features.windows.finish import quotient
from features.windows.kernels import NO_EVENT, Int64
from features.windows.spec import FeatureColumn
from features.windows.window_table import window_of

NO_KEYS: NDArray[np.int64] = np.empty(0, np.int64)


def batch_answers(
    memory: Int64, plan: OnlinePlan, columns: Sequence[tuple[FeatureColumn, int]], time: int, amount: int
) -> NDArray[np.float32]:
    """The values of columns for a row whose groups are in hand, each group read once; the state is as before the row.

    Args:
        memory: the state.
        plan: its plan.
        columns: each with the place of its store.
        time: of the row, microseconds.
        amount: of the row, minor units.
    """
    chunks: dict[tuple[int, bool], Chunk | None] = {}
    for column, place in columns:
        if (place, column.of == "label") not in chunks:
            head = int(memory[plan.groups + place])
            keys = _label_keys(memory, plan, place, head) if head != ABSENT and column.of == "label" else NO_KEYS
            chunk = None if head == ABSENT else _chunk(memory, plan, place, head, (time, amount), keys)
            chunks[place, column.of == "label"] = chunk
    found = [_value(column, plan, chunks[place, column.of == "label"]) for column, place in columns]
    return np.array(found, np.float32)


def batch_answer(
    memory: Int64, plan: OnlinePlan, column: FeatureColumn, place: int, time: int, amount: int
) -> np.float32:
    """The value of a column for a row whose groups are in hand; the state is as before the row.

    Args:
        memory: the state.
        plan: its plan.
        column: one that no loop answers.
        place: of its store.
        time: of the row, microseconds.
        amount: of the row, minor units.
    """
    return np.float32(batch_answers(memory, plan, [(column, place)], time, amount)[0])


def _value(column: FeatureColumn, plan: OnlinePlan, chunk: Chunk | None) -> np.float32:
    aggregate = column.entity_aggregate
    assert aggregate is not None, "a specification knows the aggregates of its columns"
    if chunk is None:
        return np.float32(np.nan)
    values = aggregate.values(chunk, window_of(column, horizon=plan.spec.horizon))
    value = values[-1]
    return np.float32(quotient(value, float(plan.spec.amount_scale)) if aggregate.money else value)


def _chunk(
    memory: Int64, plan: OnlinePlan, place: int, head: int, asked: tuple[int, int], keys: NDArray[np.int64]
) -> Chunk:
    """Labels first, as rows that are too old for any window, then the group's earlier rows, last the row in hand.

    Only columns of labels get labels: one that takes no window would see rows in them.
    """
    store, (time, amount) = plan.tables.stores[place], asked
    rows = _rows_before(memory, plan, place, head, time)
    labels, word = len(keys), int(store["amount"])
    longest = max((column.window or 0 for column in plan.spec.columns), default=0)
    long_ago = min([time, *rows[:1, 0].tolist()]) - longest - DAY
    codes = {
        name.removesuffix("_id"): _codes(memory, plan, name, rows[:, at], labels)
        for name, at in plan.others_of(place).items()
    }
    amounts = rows[:, word] if word > 0 else np.zeros(len(rows), np.int64)
    return Chunk(
        time=np.concatenate([np.full(labels, long_ago), rows[:, 0], [time]]),
        starts=np.array([0, labels + len(rows) + 1], np.int32),
        amount=np.concatenate([np.zeros(labels, np.int64), amounts, [amount]]),
        label_keys=np.concatenate([keys, np.full(len(rows) + 1, NO_EVENT)]),
        other=codes,
    )


def _rows_before(memory: Int64, plan: OnlinePlan, place: int, head: int, time: int) -> NDArray[np.int64]:
    rows = rows_of(memory, plan, head, int(plan.tables.stores[place]["rows"]))
    return rows[: int(np.searchsorted(rows[:, 0], time))]


def _label_keys(memory: Int64, plan: OnlinePlan, place: int, head: int) -> NDArray[np.int64]:
    store = plan.tables.stores[place]
    found: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for name, label in (("frauds", 1), ("legits", 0)):
        if store[name] >= 0:
            found.append(2 * rows_of(memory, plan, head, int(store[name]))[:, 0] + label)
    return np.concatenate(found)


def _codes(
    memory: Int64, plan: OnlinePlan, name: str, groups: NDArray[np.int64], labels: int
) -> tuple[NDArray[np.int32], int]:
    """Another id's groups as whole numbers from 0 on, -1 where it is null."""
    stores: Sequence[np.void] = list(plan.tables.stores)
    place = next(p for p, store in enumerate(stores) if store["left"] < 0 and plan.ids[int(store["last"])] == name)
    whole = np.concatenate([np.full(labels, ABSENT), groups, [memory[plan.groups + place]]])
    numbers, codes = np.unique(whole, return_inverse=True)
    return (codes - (numbers[0] == ABSENT)).astype(np.int32), len(numbers) + 1


def rows_of(memory: Int64, plan: OnlinePlan, head: int, kind: int) -> NDArray[np.int64]:
    """The rows of a group's chain of a kind [n, words]."""
    record = plan.tables.kinds[kind]
    chain, address = head + int(record["at"]), plan.kind_address(kind)
    rows = np.empty((memory[chain + END] - memory[chain + FIRST], record["width"]), np.int64)
    _copy_rows(memory, chain, address, rows)
    return rows


@compiled
def _copy_rows(memory: Int64, chain: int, kind: int, rows: NDArray[np.int64]) -> None:
    for row in range(len(rows)):
        start = row_at(memory, chain, kind, memory[chain + FIRST] + row)
        for word in range(rows.shape[1]):
            rows[row, word] = memory[start + word]
