"""What happens to a state: a row is answered and counted, a label becomes known, a question is asked.

Each of these is a pure function of the state and the event: no clock, no thread, no order of a set enters. A row's
answer is made before anything of the row is in the state.

Legend of an event, in words: those of a known row (`known_rows`), then two words of a key for each id; both are 0 where
an id is null. `store` is the address of a store's record, `place` where it stands among them.
"""

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.answers import ABSENT, Question, answer_columns, no_answers
from features.online.arena import (
    ACCEPTED,
    AHEAD,
    BEGINNING,
    GROUPS,
    KNOWN,
    KNOWN_KIND,
    LARGEST,
    LATE,
    LATENESS,
    NEWEST,
    NEXT,
    REMEMBERED,
    SCRATCH,
    STORE_COUNT,
    STORES,
    TOO_LATE,
)
from features.online.key_tables import found, put
from features.online.moving_windows import move_windows
from features.online.records import HIGH, KNOWN_WORDS, LOW, NOW, RIGHT, STORE
from features.online.row_insertion import cover_rows, insert_row
from features.online.small_groups import fold_group, group_in_hand, is_unfolded
from features.online.stored_labels import change_labels
from features.windows.compilation import compiled
from features.windows.kernels import NO_EVENT, Float32, Int64

MOST_AMOUNT = 2**40
"""Minor units of a row. A window of eight million rows of it still has a sum of 63 bits."""
SPARE = 8192
"""Words that an event may take besides some regions of the largest size."""
EXACT, LATE_ROW, REPEATED, CONFLICT, TOO_OLD, FUTURE, AMOUNT, FULL = range(8)
"""What became of a row."""
UNKNOWN_ROW, CHANGED = range(2)
"""What became of a label."""


@compiled
def accept_row(memory: Int64, event: Int64, values: Float32) -> int:
    """Answer a row from all that came before it, count it from now on, and say what became of it.

    Args:
        memory: the state.
        event: see above.
        values: filled, one a column of an entity; untouched where the row was refused or was known already.
    """
    outcome = refusal(memory, event)
    if outcome != EXACT:
        return outcome
    time, groups = event[known_rows.TIME], memory[GROUPS]
    if time < memory[NEWEST] - memory[LATENESS]:
        memory[TOO_LATE] += 1
        ask_row(memory, event, values)
        return TOO_OLD
    find_groups(memory, groups, event, True)
    for place in range(memory[STORE_COUNT]):
        _answer_and_count(memory, place, event, values)
    if _is_remembered(memory, event):
        known_rows.remember_row(memory, memory[KNOWN], groups, event[:KNOWN_WORDS])
    change_labels(memory, groups, int(NO_EVENT), event[known_rows.LABEL])
    outcome = LATE_ROW if time < memory[NEWEST] else EXACT
    memory[ACCEPTED] += 1
    memory[LATE] += outcome == LATE_ROW
    memory[NEWEST] = max(memory[NEWEST], time)
    return outcome


@compiled
def ask_row(memory: Int64, event: Int64, values: Float32) -> None:
    """Answer a row as if it came now, and leave the state as it is."""
    find_groups(memory, memory[GROUPS], event, False)
    for place in range(memory[STORE_COUNT]):
        _answer_aside(memory, place, event, values)


@compiled
def change_label(memory: Int64, event: Int64, old: int) -> int:
    """Give a row the label of an event, NO_EVENT to withdraw it, and say whether the row could be found.

    Args:
        memory: the state.
        event: see above; the row's time and amount are not read, its ids only where the row is not known.
        old: the label that it had, where it is not known.
    """
    if memory[NEXT] + SPARE + 8 * memory[LARGEST] > len(memory):
        return FULL
    groups, kind = memory[GROUPS], memory[KNOWN_KIND]
    row = known_rows.known_row(memory, memory[KNOWN], kind, event[known_rows.KEY_HIGH], event[known_rows.KEY_LOW])
    if row:
        known_rows.groups_of_known(memory, row, groups)
        _find_pairs(memory, groups, True)
        old, memory[row + known_rows.LABEL] = memory[row + known_rows.LABEL], event[known_rows.LABEL]
    elif (event[KNOWN_WORDS:] != 0).any():
        find_groups(memory, groups, event, True)
    else:
        return UNKNOWN_ROW
    change_labels(memory, groups, old, event[known_rows.LABEL])
    return CHANGED


@compiled
def accept_rows(memory: Int64, events: Int64, values: Float32, outcomes: Int64) -> None:
    """Accept rows one after the other.

    Args:
        memory: the state.
        events: [n, words].
        values: filled [n, columns]; with no rows, the answers are made and left aside.
        outcomes: filled [n].
    """
    aside = np.empty(values.shape[1], np.float32)
    for row in range(len(events)):
        outcomes[row] = accept_row(memory, events[row], values[row] if len(values) else aside)


@compiled
def accept_events(
    memory: Int64, events: Int64, are_changes: NDArray[np.bool_], old: Int64, values: Float32, outcomes: Int64
) -> None:
    """Accept rows and changes of labels one after the other.

    Args:
        memory: the state.
        events: [n, words].
        are_changes: which of them change a label; the others are rows [n].
        old: of a change, the label before, where its row is not known [n].
        values: filled [n, columns] where an event is a row; with no rows, the answers are made and left aside.
        outcomes: filled [n].
    """
    aside = np.empty(values.shape[1], np.float32)
    for place in range(len(events)):
        if are_changes[place]:
            outcomes[place] = change_label(memory, events[place], old[place])
        else:
            outcomes[place] = accept_row(memory, events[place], values[place] if len(values) else aside)


@compiled
def refusal(memory: Int64, event: Int64) -> int:
    """What `accept_row` would say of a row that it does not take, EXACT of one that it takes."""
    outcome = _refusal(memory, event)
    return _known_before(memory, event) if outcome == EXACT else outcome


@compiled
def find_groups(memory: Int64, groups: int, event: Int64, made: bool) -> None:
    """Fill the heads of a row's groups; one that is new is `made`, or blank, and ABSENT where an id is null."""
    for place in range(memory[STORE_COUNT]):
        store = memory[STORES] + place * len(STORE)
        if memory[store + STORE.left] < 0:
            key = KNOWN_WORDS + 2 * memory[store + STORE.last]
            high, low = event[key], event[key + 1]
            absent = high == 0 and low == 0
            memory[groups + place] = ABSENT if absent else _group(memory, store, high, low, made)
    _find_pairs(memory, groups, made)


@compiled
def _find_pairs(memory: Int64, groups: int, made: bool) -> None:
    """Fill the heads of groups of several ids from those of their parts, which stand before them."""
    for place in range(memory[STORE_COUNT]):
        store = memory[STORES] + place * len(STORE)
        if memory[store + STORE.left] >= 0:
            first, last = memory[groups + memory[store + STORE.left]], memory[groups + memory[store + STORE.last]]
            absent = first == ABSENT or last == ABSENT
            memory[groups + place] = ABSENT if absent else _group(memory, store, first, last, made)


@compiled
def _group(memory: Int64, store: int, high: int, low: int, made: bool) -> int:
    head = found(memory, memory[store + STORE.table], high, low)
    if memory[store + STORE.unfolded] >= 0:
        return group_in_hand(memory, store, head, high, low)
    if head:
        return head
    if not made:
        return int(memory[store + STORE.blank])
    head = memory[NEXT]
    memory[NEXT] = head + memory[store + STORE.head]
    memory[head : head + memory[store + STORE.head]] = memory[
        memory[store + STORE.blank] : memory[store + STORE.blank] + memory[store + STORE.head]
    ]
    memory[head + HIGH], memory[head + LOW] = high, low
    put(memory, memory[store + STORE.table], high, low, head)
    return int(head)


@compiled
def _answer_and_count(memory: Int64, place: int, event: Int64, values: Float32) -> None:
    """Answer a row from its group in the store at `place`, then put it there."""
    store, groups, time = memory[STORES] + place * len(STORE), memory[GROUPS], event[known_rows.TIME]
    head = memory[groups + place]
    if head == ABSENT or time < memory[head + NOW] or is_unfolded(memory, store, head):
        _answer_aside(memory, place, event, values)
    else:
        covered = memory[head + RIGHT]
        move_windows(memory, store, head, time)
        if memory[store + STORE.rows] >= 0:
            cover_rows(memory, store, head, covered)
        question = Question(time, event[known_rows.AMOUNT], groups, memory[head + RIGHT])
        answer_columns(memory, store, head, question, values)
    if head != ABSENT and memory[store + STORE.rows] >= 0:
        insert_row(memory, store, groups, place, time, event[known_rows.AMOUNT])
        if is_unfolded(memory, store, head):
            fold_group(memory, store)


@compiled
def _answer_aside(memory: Int64, place: int, event: Int64, values: Float32) -> None:
    """Answer a row from its group in the store at `place` with windows that are moved in a copy of the head."""
    store, scratch, groups, time = (
        memory[STORES] + place * len(STORE),
        memory[SCRATCH],
        memory[GROUPS],
        event[known_rows.TIME],
    )
    head = memory[groups + place]
    if head == ABSENT:
        no_answers(memory, store, values)
        return
    memory[scratch : scratch + memory[store + STORE.head]] = memory[head : head + memory[store + STORE.head]]
    move_windows(memory, store, scratch, time)
    question = Question(time, event[known_rows.AMOUNT], groups, memory[head + RIGHT])
    answer_columns(memory, store, scratch, question, values)


@compiled
def _refusal(memory: Int64, event: Int64) -> int:
    """Why a row cannot be taken, EXACT where it can."""
    if memory[NEXT] + SPARE + 8 * memory[LARGEST] > len(memory):
        return FULL
    if event[known_rows.AMOUNT] < 0 or event[known_rows.AMOUNT] > MOST_AMOUNT:
        return AMOUNT
    newest = memory[NEWEST]
    return FUTURE if newest != BEGINNING and event[known_rows.TIME] > newest + memory[AHEAD] else EXACT


@compiled
def _known_before(memory: Int64, event: Int64) -> int:
    """Whether a row came before with the same content, or with another one; EXACT where it did not."""
    if not _is_remembered(memory, event):
        return EXACT
    groups, kind = memory[GROUPS], memory[KNOWN_KIND]
    row = known_rows.known_row(memory, memory[KNOWN], kind, event[known_rows.KEY_HIGH], event[known_rows.KEY_LOW])
    if not row:
        return EXACT
    find_groups(memory, groups, event, False)
    return REPEATED if known_rows.has_content(memory, row, groups, event) else CONFLICT


@compiled
def _is_remembered(memory: Int64, event: Int64) -> bool:
    return bool(memory[REMEMBERED] > 0 and (event[known_rows.KEY_HIGH] != 0 or event[known_rows.KEY_LOW] != 0))
