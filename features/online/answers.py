"""A group's values for one row, from what its windows hold: each as the table's loop has it, ended by `finish`."""

from typing import Any, NamedTuple

import numpy as np

from features.online.chains import FIRST, row_at, sought
from features.online.extreme_queues import largest_from
from features.online.moving_windows import Store
from features.online.plan import ANSWERS, RIGHT, Tables
from features.windows.aggregate_names import BASIS_POINTS
from features.windows.compilation import compiled
from features.windows.finish import deviation, quotient, seconds
from features.windows.kernels import Float32, Int64

Column = Any
"""A record of `plan.COLUMN`."""
(
    BY_BATCH,
    COUNT,
    SUM,
    MEAN,
    LARGEST,
    SMALLEST,
    DEVIATION,
    ZSCORE,
    RATIO,
    DISTINCT,
    SECONDS_SINCE,
    FIRST_SEEN,
    PREVIOUS_RATIO,
    PREVIOUS_SAME,
    LABELS,
    FRAUDS,
    FRAUD_RATE,
    SHRUNKEN_RATE,
    LAST_LABEL,
    SINCE_FRAUD,
    RUN_LENGTH,
    RUN_SECONDS,
) = range(len(ANSWERS))
LOWEST = int(np.iinfo(np.int64).min)
"""Below every amount, whatever its sign."""
ABSENT = -1
"""The group of a row of which an id is null."""


class Question(NamedTuple):
    """What is asked for.

    Attributes:
        time: of the row, microseconds.
        amount: of the row, minor units.
        groups: address of the heads of the row's groups, one a store.
        covered: position up to which the group's queues know its rows.
    """

    time: int
    amount: int
    groups: int
    covered: int


@compiled
def answer_columns(memory: Int64, tables: Tables, store: Store, head: int, question: Question, values: Float32) -> None:
    """Fill the values of a store's columns from a head whose windows end at the question's time."""
    seek_labels(memory, tables, store, head, question.time)
    for place in range(store.first_column, store.first_column + store.columns):
        column = tables.columns[place]
        values[column.place] = _value(memory, tables, store, head, column, question) / column.divisor


@compiled
def no_answers(tables: Tables, store: Store, values: Float32) -> None:
    """Fill what a store has to say of a row of which an id is null."""
    for place in range(store.first_column, store.first_column + store.columns):
        values[tables.columns[place].place] = np.nan


@compiled
def seek_labels(memory: Int64, tables: Tables, store: Store, head: int, time: int) -> None:
    """Find the first label of each window, and the first one that is not known at `time`."""
    if store.frauds < 0:
        return
    for which in range(1 + (store.legits >= 0)):
        kind = tables.kinds[store.frauds + which]
        at = head + store.known + which
        memory[at] = sought(memory, head + kind.at, kind, memory[at], time)
        for place in range(store.first_label_window, store.first_label_window + store.label_windows):
            window = tables.windows[place]
            at = head + window.at + which
            memory[at] = sought(memory, head + kind.at, kind, memory[at], time - window.width)


@compiled
def _value(memory: Int64, tables: Tables, store: Store, head: int, column: Column, question: Question) -> float:
    if column.answer >= LABELS:
        return _of_labels(memory, tables, store, head, column, question)
    if column.answer >= SECONDS_SINCE:
        return _of_moments(memory, tables, store, head, column, question)
    if column.answer == BY_BATCH:
        return np.nan
    window = head + tables.windows[column.window].at
    count = memory[head + RIGHT] - memory[window]
    if column.answer == COUNT:
        return float(count)
    if column.answer == DISTINCT:
        return float(memory[window + store.seen + column.other - store.first_other])
    if column.answer == LARGEST or column.answer == SMALLEST:
        return _extreme(memory, tables, store, head, column, question)
    return _of_amounts(memory, store, window, column.answer, count, question.amount)


@compiled
def _of_amounts(memory: Int64, store: Store, window: int, answer: int, count: int, amount: int) -> float:
    total = memory[window + store.total]
    if answer == SUM:
        return float(total)
    mean = quotient(total, count)
    if answer == MEAN:
        return mean
    if answer == RATIO:
        return quotient(amount, mean)
    high, low = np.uint64(memory[window + store.square]), np.uint64(memory[window + store.square + 1])
    spread = deviation(high, low, np.uint64(total), count)
    return spread if answer == DEVIATION else quotient(amount - mean, spread)


@compiled
def _extreme(memory: Int64, tables: Tables, store: Store, head: int, column: Column, question: Question) -> float:
    """The queue's answer, and what it cannot know: rows it has not met, or all where it has met later ones."""
    sign = 1 if column.answer == LARGEST else -1
    window = tables.windows[column.window]
    left, right = memory[head + window.at], memory[head + RIGHT]
    if left == right:
        return np.nan
    queue, rows = tables.kinds[store.largest if sign > 0 else store.smallest], tables.kinds[store.rows]
    edge = question.time - window.width
    moment, best = largest_from(memory, head + queue.at, queue, edge)
    if moment < edge or moment >= question.time:
        best = LOWEST
    for position in range(left if moment >= question.time else max(left, question.covered), right):
        best = max(best, sign * memory[row_at(memory, head + rows.at, rows, position) + store.amount])
    return float(sign * best)


@compiled
def _of_moments(memory: Int64, tables: Tables, store: Store, head: int, column: Column, question: Question) -> float:
    """What is asked of the last moment but `first` - 1, where there is one within reach."""
    kind = tables.kinds[store.rows]
    chain = head + kind.at
    first, end = _moment_before(memory, chain, kind, memory[head + RIGHT], max(column.first, 1))
    then = memory[row_at(memory, chain, kind, first)] if first < end else 0
    known = first < end and question.time - then <= column.reach
    if column.answer == FIRST_SEEN:
        return 0.0 if known else 1.0
    if not known:
        return np.nan
    if column.answer == SECONDS_SINCE:
        return seconds(question.time - then)
    if column.answer == PREVIOUS_RATIO:
        largest = memory[row_at(memory, chain, kind, first) + store.amount]
        for position in range(first + 1, end):
            largest = max(largest, memory[row_at(memory, chain, kind, position) + store.amount])
        return quotient(question.amount, largest)
    other = tables.others[column.other]
    own, same = memory[question.groups + other.store], False
    for position in range(first, end):
        same |= memory[row_at(memory, chain, kind, position) + other.code] == own
    if own == ABSENT:
        return np.nan
    return 1.0 if same else 0.0


@compiled
def _moment_before(memory: Int64, chain: int, kind: Any, right: int, steps: int) -> tuple[int, int]:
    """The first row of the last moment but `steps` - 1 before a position, and the first one behind that moment."""
    first = end = right
    for _ in range(steps):
        end = first
        if first == memory[chain + FIRST]:
            return end, end
        then = memory[row_at(memory, chain, kind, first - 1)]
        while first > memory[chain + FIRST] and memory[row_at(memory, chain, kind, first - 1)] == then:
            first -= 1
    return first, end


@compiled
def _of_labels(memory: Int64, tables: Tables, store: Store, head: int, column: Column, question: Question) -> float:
    at = head + tables.windows[column.window].at
    frauds = memory[head + store.known] - memory[at]
    labels = frauds + memory[head + store.known + 1] - memory[at + 1]
    if column.answer == LABELS:
        return float(labels)
    if column.answer == FRAUDS:
        return float(frauds)
    if column.answer == FRAUD_RATE:
        return quotient(frauds, labels)
    if column.answer == SHRUNKEN_RATE:
        whole = frauds * BASIS_POINTS + column.first * column.second
        return quotient(whole, (labels + column.first) * BASIS_POINTS)
    return _of_runs(memory, tables, store, head, column, question)


@compiled
def _of_runs(memory: Int64, tables: Tables, store: Store, head: int, column: Column, question: Question) -> float:
    """What is asked of the last label, the last fraud, or the frauds behind the last legitimate label."""
    frauds, legits = tables.kinds[store.frauds], tables.kinds[store.legits]
    at, known = head + tables.windows[column.window].at, head + store.known
    first, end = memory[at], memory[known]
    behind = memory[row_at(memory, head + frauds.at, frauds, end - 1)] if first < end else 0
    if column.answer == SINCE_FRAUD:
        return seconds(question.time - behind) if first < end else np.nan
    cleared = memory[at + 1] < memory[known + 1]
    last = memory[row_at(memory, head + legits.at, legits, memory[known + 1] - 1)] if cleared else 0
    if column.answer == LAST_LABEL:
        if first == end and not cleared:
            return np.nan
        return 1.0 if first < end and (not cleared or behind >= last) else 0.0
    if cleared:
        first = sought(memory, head + frauds.at, frauds, end, last)
    if column.answer == RUN_LENGTH:
        return float(max(end - first, 0))
    begun = memory[row_at(memory, head + frauds.at, frauds, first)] if first < end else 0
    return seconds(question.time - begun) if first < end else np.nan
