"""What happens to a state: a row is answered and counted, a label becomes known, a question is asked.

Each of these is a pure function of the state and the event: no clock, no thread, no order of a set enters. A row's
answer is made before anything of the row is in the state.

Legend of an event, in words: those of a known row (`known_rows`), then two words of a key for each id. `places` holds
the addresses of the scratch head, of the groups in hand, and of the known rows.
"""

import numpy as np

from features.online import known_rows
from features.online.answers import ABSENT, Question, answer_columns, no_answers
from features.online.arena import (
    ACCEPTED,
    AHEAD,
    BEGINNING,
    LARGEST,
    LATE,
    LATENESS,
    NEWEST,
    NEXT,
    REMEMBERED,
    TOO_LATE,
)
from features.online.key_tables import found, put
from features.online.moving_windows import Store, move_windows
from features.online.plan import KNOWN_WORDS, NOW, RIGHT, Tables
from features.online.row_insertion import cover_rows, insert_row
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
def accept_row(memory: Int64, tables: Tables, places: Int64, event: Int64, values: Float32) -> int:
    """Answer a row from all that came before it, count it from now on, and say what became of it.

    Args:
        memory: the state.
        tables: the plan.
        places: see above.
        event: see above.
        values: filled, one a column of an entity; untouched where the row was refused or was known already.
    """
    outcome = _refusal(memory, event)
    if outcome == EXACT:
        outcome = _known_before(memory, tables, places, event)
    if outcome != EXACT:
        return outcome
    time, groups = event[known_rows.TIME], places[1]
    if time < memory[NEWEST] - memory[LATENESS]:
        memory[TOO_LATE] += 1
        ask_row(memory, tables, places, event, values)
        return TOO_OLD
    find_groups(memory, tables, groups, event, True)
    for place in range(len(tables.stores)):
        _answer_and_count(memory, tables, places, place, event, values)
    if _is_remembered(memory, event):
        known_rows.remember_row(memory, tables, places[2], groups, event[:KNOWN_WORDS])
    change_labels(memory, tables, groups, int(NO_EVENT), event[known_rows.LABEL])
    outcome = LATE_ROW if time < memory[NEWEST] else EXACT
    memory[ACCEPTED] += 1
    memory[LATE] += outcome == LATE_ROW
    memory[NEWEST] = max(memory[NEWEST], time)
    return outcome


@compiled
def ask_row(memory: Int64, tables: Tables, places: Int64, event: Int64, values: Float32) -> None:
    """Answer a row as if it came now, and leave the state as it is."""
    find_groups(memory, tables, places[1], event, False)
    for place in range(len(tables.stores)):
        _answer_aside(memory, tables, places, place, event, values)


@compiled
def change_label(memory: Int64, tables: Tables, places: Int64, event: Int64, old: int) -> int:
    """Give a row the label of an event, NO_EVENT to withdraw it, and say whether the row could be found.

    Args:
        memory: the state.
        tables: the plan.
        places: see above.
        event: see above; the row's time and amount are not read, its ids only where the row is not known.
        old: the label that it had, where it is not known.
    """
    if memory[NEXT] + SPARE + 8 * memory[LARGEST] > len(memory):
        return FULL
    groups, kind = places[1], tables.kinds[len(tables.kinds) - 1]
    row = known_rows.known_row(memory, places[2], kind, event[known_rows.KEY_HIGH], event[known_rows.KEY_LOW])
    if row:
        known_rows.groups_of_known(memory, tables, row, groups)
        _find_pairs(memory, tables, groups, True)
        old, memory[row + known_rows.LABEL] = memory[row + known_rows.LABEL], event[known_rows.LABEL]
    elif (event[KNOWN_WORDS:] != 0).any():
        find_groups(memory, tables, groups, event, True)
    else:
        return UNKNOWN_ROW
    change_labels(memory, tables, groups, old, event[known_rows.LABEL])
    return CHANGED


@compiled
def accept_rows(memory: Int64, tables: Tables, places: Int64, events: Int64, values: Float32, outcomes: Int64) -> None:
    """Accept rows one after the other.

    Args:
        memory: the state.
        tables: the plan.
        places: see above.
        events: [n, words].
        values: filled [n, columns]; with no rows, the answers are made and left aside.
        outcomes: filled [n].
    """
    aside = np.empty(values.shape[1], np.float32)
    for row in range(len(events)):
        outcomes[row] = accept_row(memory, tables, places, events[row], values[row] if len(values) else aside)


@compiled
def find_groups(memory: Int64, tables: Tables, groups: int, event: Int64, made: bool) -> None:
    """Fill the heads of a row's groups; one that is new is `made`, or blank, and ABSENT where an id is null."""
    for place in range(len(tables.stores)):
        store = tables.stores[place]
        if store.left < 0:
            key = KNOWN_WORDS + 2 * store.last
            high, low = event[key], event[key + 1]
            absent = high == 0 and low == 0
            memory[groups + place] = ABSENT if absent else _group(memory, store, high, low, made)
    _find_pairs(memory, tables, groups, made)


@compiled
def _find_pairs(memory: Int64, tables: Tables, groups: int, made: bool) -> None:
    """Fill the heads of groups of several ids from those of their parts, which stand before them."""
    for place in range(len(tables.stores)):
        store = tables.stores[place]
        if store.left >= 0:
            first, last = memory[groups + store.left], memory[groups + store.last]
            absent = first == ABSENT or last == ABSENT
            memory[groups + place] = ABSENT if absent else _group(memory, store, first, last, made)


@compiled
def _group(memory: Int64, store: Store, high: int, low: int, made: bool) -> int:
    head = found(memory, store.table, high, low)
    if head:
        return head
    if not made:
        return int(store.blank)
    head = memory[NEXT]
    memory[NEXT] = head + store.head
    memory[head : head + store.head] = memory[store.blank : store.blank + store.head]
    put(memory, store.table, high, low, head)
    return int(head)


@compiled
def _answer_and_count(memory: Int64, tables: Tables, places: Int64, place: int, event: Int64, values: Float32) -> None:
    """Answer a row from its group in the store at `place`, then put it there."""
    store, groups, time = tables.stores[place], places[1], event[known_rows.TIME]
    head = memory[groups + place]
    if head == ABSENT or time < memory[head + NOW]:
        _answer_aside(memory, tables, places, place, event, values)
    else:
        covered = memory[head + RIGHT]
        move_windows(memory, tables, store, head, time)
        if store.rows >= 0:
            cover_rows(memory, tables, store, head, covered)
        question = Question(time, event[known_rows.AMOUNT], groups, memory[head + RIGHT])
        answer_columns(memory, tables, store, head, question, values)
    if head != ABSENT and store.rows >= 0:
        insert_row(memory, tables, store, groups, place, time, event[known_rows.AMOUNT])


@compiled
def _answer_aside(memory: Int64, tables: Tables, places: Int64, place: int, event: Int64, values: Float32) -> None:
    """Answer a row from its group in the store at `place` with windows that are moved in a copy of the head."""
    store, scratch, groups, time = tables.stores[place], places[0], places[1], event[known_rows.TIME]
    head = memory[groups + place]
    if head == ABSENT:
        no_answers(tables, store, values)
        return
    memory[scratch : scratch + store.head] = memory[head : head + store.head]
    move_windows(memory, tables, store, scratch, time)
    question = Question(time, event[known_rows.AMOUNT], groups, memory[head + RIGHT])
    answer_columns(memory, tables, store, scratch, question, values)


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
def _known_before(memory: Int64, tables: Tables, places: Int64, event: Int64) -> int:
    """Whether a row came before with the same content, or with another one; EXACT where it did not."""
    if not _is_remembered(memory, event):
        return EXACT
    groups, kind = places[1], tables.kinds[len(tables.kinds) - 1]
    row = known_rows.known_row(memory, places[2], kind, event[known_rows.KEY_HIGH], event[known_rows.KEY_LOW])
    if not row:
        return EXACT
    find_groups(memory, tables, groups, event, False)
    return REPEATED if known_rows.has_content(memory, tables, row, groups, event) else CONFLICT


@compiled
def _is_remembered(memory: Int64, event: Int64) -> bool:
    return bool(memory[REMEMBERED] > 0 and (event[known_rows.KEY_HIGH] != 0 or event[known_rows.KEY_LOW] != 0))
