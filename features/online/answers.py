"""A group's values for one row, from what its windows hold: each as the table's loop has it, ended by `finish`."""

from typing import NamedTuple

import numpy as np

from features.online.chains import FIRST, row_at, sought
from features.online.extreme_queues import largest_from
from features.online.records import ANSWERS, COLUMN, KIND, OTHER, RIGHT, STORE, WINDOW
from features.windows.aggregate_names import BASIS_POINTS
from features.windows.compilation import compiled
from features.windows.finish import deviation, quotient, seconds
from features.windows.kernels import Float32, Int64

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
def answer_columns(memory: Int64, store: int, head: int, question: Question, values: Float32) -> None:
    """Fill the values of a store's columns from a head whose windows end at the question's time."""
    seek_labels(memory, store, head, question.time)
    first = memory[store + STORE.first_column]
    for column in range(first, first + memory[store + STORE.columns] * len(COLUMN), len(COLUMN)):
        values[memory[column + COLUMN.place]] = (
            _value(memory, store, head, column, question) / memory[column + COLUMN.divisor]
        )


@compiled
def no_answers(memory: Int64, store: int, values: Float32) -> None:
    """Fill what a store has to say of a row of which an id is null."""
    first = memory[store + STORE.first_column]
    for column in range(first, first + memory[store + STORE.columns] * len(COLUMN), len(COLUMN)):
        values[memory[column + COLUMN.place]] = np.nan


@compiled
def seek_labels(memory: Int64, store: int, head: int, time: int) -> None:
    """Find the first label of each window, and the first one that is not known at `time`."""
    if memory[store + STORE.frauds] < 0:
        return
    _seek(memory, store, head, time, memory[store + STORE.frauds], 0)
    if memory[store + STORE.legits] >= 0:
        _seek(memory, store, head, time, memory[store + STORE.legits], 1)


@compiled
def _seek(memory: Int64, store: int, head: int, time: int, kind: int, which: int) -> None:
    chain, at = head + memory[kind + KIND.at], head + memory[store + STORE.known] + which
    memory[at] = sought(memory, chain, kind, memory[at], time)
    first = memory[store + STORE.first_label_window]
    for window in range(first, first + memory[store + STORE.label_windows] * len(WINDOW), len(WINDOW)):
        at = head + memory[window + WINDOW.at] + which
        memory[at] = sought(memory, chain, kind, memory[at], time - memory[window + WINDOW.width])


@compiled
def _value(memory: Int64, store: int, head: int, column: int, question: Question) -> float:
    if memory[column + COLUMN.answer] >= LABELS:
        return _of_labels(memory, store, head, column, question)
    if memory[column + COLUMN.answer] >= SECONDS_SINCE:
        return _of_moments(memory, store, head, column, question)
    if memory[column + COLUMN.answer] == BY_BATCH:
        return np.nan
    window = head + memory[memory[column + COLUMN.window] + WINDOW.at]
    count = memory[head + RIGHT] - memory[window]
    if memory[column + COLUMN.answer] == COUNT:
        return float(count)
    if memory[column + COLUMN.answer] == DISTINCT:
        return float(
            memory[
                window
                + memory[store + STORE.seen]
                + (memory[column + COLUMN.other] - memory[store + STORE.first_other]) // len(OTHER)
            ]
        )
    if memory[column + COLUMN.answer] == LARGEST or memory[column + COLUMN.answer] == SMALLEST:
        return _extreme(memory, store, head, column, question)
    return _of_amounts(memory, store, window, memory[column + COLUMN.answer], count, question.amount)


@compiled
def _of_amounts(memory: Int64, store: int, window: int, answer: int, count: int, amount: int) -> float:
    total = memory[window + memory[store + STORE.total]]
    if answer == SUM:
        return float(total)
    mean = quotient(total, count)
    if answer == MEAN:
        return mean
    if answer == RATIO:
        return quotient(amount, mean)
    high, low = (
        np.uint64(memory[window + memory[store + STORE.square]]),
        np.uint64(memory[window + memory[store + STORE.square] + 1]),
    )
    spread = deviation(high, low, np.uint64(total), count)
    return spread if answer == DEVIATION else quotient(amount - mean, spread)


@compiled
def _extreme(memory: Int64, store: int, head: int, column: int, question: Question) -> float:
    """The queue's answer, and what it cannot know: rows it has not met, or all where it has met later ones."""
    sign = 1 if memory[column + COLUMN.answer] == LARGEST else -1
    window = memory[column + COLUMN.window]
    left, right = memory[head + memory[window + WINDOW.at]], memory[head + RIGHT]
    if left == right:
        return np.nan
    queue = memory[store + STORE.largest] if sign > 0 else memory[store + STORE.smallest]
    rows = memory[store + STORE.rows]
    chain = head + memory[rows + KIND.at]
    edge = question.time - memory[window + WINDOW.width]
    moment, best = largest_from(memory, head + memory[queue + KIND.at], queue, edge)
    if moment < edge or moment >= question.time:
        best = LOWEST
    for position in range(left if moment >= question.time else max(left, question.covered), right):
        best = max(best, sign * memory[row_at(memory, chain, rows, position) + memory[store + STORE.amount]])
    return float(sign * best)


@compiled
def _of_moments(memory: Int64, store: int, head: int, column: int, question: Question) -> float:
    """What is asked of the last moment but `first` - 1, where there is one within reach."""
    kind = memory[store + STORE.rows]
    chain = head + memory[kind + KIND.at]
    first, end = _moment_before(memory, chain, kind, memory[head + RIGHT], max(memory[column + COLUMN.first], 1))
    then = memory[row_at(memory, chain, kind, first)] if first < end else 0
    known = first < end and question.time - then <= memory[column + COLUMN.reach]
    if memory[column + COLUMN.answer] == FIRST_SEEN:
        return 0.0 if known else 1.0
    if not known:
        return np.nan
    if memory[column + COLUMN.answer] == SECONDS_SINCE:
        return seconds(question.time - then)
    if memory[column + COLUMN.answer] == PREVIOUS_RATIO:
        largest = memory[row_at(memory, chain, kind, first) + memory[store + STORE.amount]]
        for position in range(first + 1, end):
            largest = max(largest, memory[row_at(memory, chain, kind, position) + memory[store + STORE.amount]])
        return quotient(question.amount, largest)
    other = memory[column + COLUMN.other]
    own, same = memory[question.groups + memory[other + OTHER.store]], False
    for position in range(first, end):
        same |= memory[row_at(memory, chain, kind, position) + memory[other + OTHER.code]] == own
    if own == ABSENT:
        return np.nan
    return 1.0 if same else 0.0


@compiled
def _moment_before(memory: Int64, chain: int, kind: int, right: int, steps: int) -> tuple[int, int]:
    """The first row of the last moment but `steps` - 1 before a position, and the first one behind that moment."""
    first = end = right
    for _ in range(steps):
        end = first
        if first == memory[chain + FIRST]:
            return end, end
        first = sought(memory, chain, kind, first - 1, memory[row_at(memory, chain, kind, first - 1)])
    return first, end


@compiled
def _of_labels(memory: Int64, store: int, head: int, column: int, question: Question) -> float:
    at = head + memory[memory[column + COLUMN.window] + WINDOW.at]
    frauds = memory[head + memory[store + STORE.known]] - memory[at]
    labels = frauds + memory[head + memory[store + STORE.known] + 1] - memory[at + 1]
    if memory[column + COLUMN.answer] == LABELS:
        return float(labels)
    if memory[column + COLUMN.answer] == FRAUDS:
        return float(frauds)
    if memory[column + COLUMN.answer] == FRAUD_RATE:
        return quotient(frauds, labels)
    if memory[column + COLUMN.answer] == SHRUNKEN_RATE:
        whole = frauds * BASIS_POINTS + memory[column + COLUMN.first] * memory[column + COLUMN.second]
        return quotient(whole, (labels + memory[column + COLUMN.first]) * BASIS_POINTS)
    return _of_runs(memory, store, head, column, question)


@compiled
def _of_runs(memory: Int64, store: int, head: int, column: int, question: Question) -> float:
    """What is asked of the last label, the last fraud, or the frauds behind the last legitimate label."""
    frauds, legits = memory[store + STORE.frauds], memory[store + STORE.legits]
    at, known = head + memory[memory[column + COLUMN.window] + WINDOW.at], head + memory[store + STORE.known]
    first, end = memory[at], memory[known]
    behind = memory[row_at(memory, head + memory[frauds + KIND.at], frauds, end - 1)] if first < end else 0
    if memory[column + COLUMN.answer] == SINCE_FRAUD:
        return seconds(question.time - behind) if first < end else np.nan
    cleared = memory[at + 1] < memory[known + 1]
    last = memory[row_at(memory, head + memory[legits + KIND.at], legits, memory[known + 1] - 1)] if cleared else 0
    if memory[column + COLUMN.answer] == LAST_LABEL:
        if first == end and not cleared:
            return np.nan
        return 1.0 if first < end and (not cleared or behind >= last) else 0.0
    if cleared:
        first = sought(memory, head + memory[frauds + KIND.at], frauds, end, last)
    if memory[column + COLUMN.answer] == RUN_LENGTH:
        return float(max(end - first, 0))
    begun = memory[row_at(memory, head + memory[frauds + KIND.at], frauds, first)] if first < end else 0
    return seconds(question.time - begun) if first < end else np.nan
