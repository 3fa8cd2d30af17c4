import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.canonical_rules import broken_rules
from features.schema.instants import NOT_A_TIME
from features.schema.preset import preset_from_dict
from features.times import DAY, time_microseconds

SMALLEST = {"event_time": {"column": "when"}, "amount": {"column": "amount"}, "label": {"column": "fraud"}}
FIRST, LAST = time_microseconds("1990-01-01"), time_microseconds("2100-01-01")
LARGEST = 90_071_992_547_409

times = st.sampled_from([NOT_A_TIME, FIRST - 1, FIRST, LAST, LAST + 1, 0]) | st.integers(FIRST, LAST)
amounts = st.sampled_from([math.nan, math.inf, -math.inf, -0.0, -0.01, LARGEST, LARGEST + 1.0]) | st.floats()
labels = st.integers(-3, 3)
rows = st.lists(st.tuples(times, amounts, labels, st.integers(-2, 2)), max_size=20)


def broken(rows, *, event_time=None, scale=100):
    time, amount, label, late = (np.array([row[place] for row in rows]) for place in range(4))
    keys = SMALLEST | {"amount": {"column": "amount", "scale": scale}}
    masks = broken_rules(
        preset_from_dict(keys | ({"event_time": event_time} if event_time else {})),
        time=time.astype(np.int64),
        amount=amount.astype(np.float64),
        label=label.astype(np.int8),
        available=time.astype(np.int64) + np.where(time == NOT_A_TIME, 0, late).astype(np.int64),
    )
    return [[reason.split(", ")[0] for reason, mask in masks.items() if mask[row]] for row in range(len(rows))]


def broken_one_by_one(time, amount, label, late):
    """The five rules in plain Python."""
    if not (math.isfinite(amount) and amount >= 0):
        yield "amount: must be a finite number ≥ 0"
    if math.isfinite(amount) and amount > LARGEST:
        yield "amount: must be at most 2^53 minor units"
    if time != NOT_A_TIME and not FIRST <= time <= LAST:
        yield "event_time: must lie between 1990-01-01 and 2100-01-01"
    if label not in (-1, 0, 1):
        yield "label: must be 0"
    if time != NOT_A_TIME and late < 0:
        yield "label_available_at: must not lie before event_time"


@given(rows)
@settings(deadline=None)
def test_the_rules_hold_row_by_row_whatever_the_values(rows):
    assert broken(rows) == [list(broken_one_by_one(*row)) for row in rows]


def test_an_elapsed_clock_begins_at_its_origin():
    origin = time_microseconds("2020-02-28")
    clock = {"kind": "elapsed", "column": "when", "origin": "2020-02-28", "latest": "2020-03-01"}
    rows = [(origin + shift, 1.0, 0, 0) for shift in (-1, 0, 2 * DAY, 2 * DAY + 1)]
    assert [len(reasons) for reasons in broken(rows, event_time=clock)] == [1, 0, 0, 1]


def test_the_largest_amount_is_what_float64_holds_exactly_in_minor_units():
    assert broken([(FIRST, 2.0**53 // 1000 + 1, 0, 0)], scale=1000) == [["amount: must be at most 2^53 minor units"]]
