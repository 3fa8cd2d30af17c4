"""Where rows stand in their groups, how they are linked, and when they go."""

import numpy as np
import pytest

from features.online.state import Bounds
from tests.fixtures.online_groups import group_of, rows_of
from tests.fixtures.online_logs import Arrival, answers, empty_state, in_order, random_log, row_of, spec_for
from tests.fixtures.random_tables import SECOND, START, transaction

NEVER_BEFORE, NEVER_AGAIN = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def links(rows, card):
    """Each row of a card in order of time: its time, and when its merchant's row before and behind is."""
    own = sorted((row for row in rows if row["card_id"] == card), key=lambda row: row["event_time"])
    for place, row in enumerate(own):
        same = [other["merchant_id"] == row["merchant_id"] is not None for other in own]
        before = [other["event_time"] for other, tied in zip(own[:place], same, strict=False) if tied]
        behind = [o["event_time"] for o, tied in zip(own[place + 1 :], same[place + 1 :], strict=True) if tied]
        nowhere = (NEVER_AGAIN, NEVER_BEFORE)
        known = (max(before, default=NEVER_BEFORE), min(behind, default=NEVER_AGAIN))
        yield row["event_time"], *(known if row["merchant_id"] is not None else nowhere)


@pytest.mark.parametrize("disorder", [0.01, 6, 100])
def test_rows_are_in_order_of_time_and_linked_to_their_neighbours_whatever_the_order_of_arrival(disorder):
    rows, log = random_log(np.random.default_rng(1), rows=150, disorder=disorder)
    state = empty_state()
    answers(state, rows, [event for event in log if isinstance(event, Arrival)])
    for card in "abcd":
        asked = transaction(0, card, None, 0, None, 0)
        store, head = group_of(state, "card_id", row=row_of(asked, state=state))
        other = state.plan.tables.others[store["first_other"]]
        found = [(row[0], row[other["previous"]], row[other["following"]]) for row in rows_of(state, store, head)]
        assert sorted(found) == sorted(links(rows, card))
        assert [time for time, *_ in found] == sorted(time for time, *_ in found)


def kept(spec, seconds, lateness):
    """The times of a card's rows that are kept after rows at these seconds."""
    state = empty_state(spec, bounds=Bounds(lateness=lateness * SECOND, ahead=None, remembered=None))
    rows = [transaction(second, "a", 1, 5, None, 0) for second in seconds]
    answers(state, rows, in_order(rows))
    store, head = group_of(state, "card_id", row=row_of(rows[0], state=state))
    return [(row[0] - START) // SECOND for row in rows_of(state, store, head)]


def test_rows_go_when_no_window_of_a_row_that_may_come_can_reach_them():
    found = kept(spec_for(windows=["20s"], aggregates={"card": ["count"]}, entities=["card"]), range(1000), 30)
    assert len(found) < 20 + 30 + 3 * 8
    assert found[0] <= 999 - 20 - 30
    assert found == [*range(found[0], 1000)]


def test_the_last_moments_stay_however_old_they_are():
    spec = spec_for(windows=["2s"], aggregates={"card": ["count", "previous_3_seconds"]}, entities=["card"])
    seconds = [*range(0, 8000, 100), *[8000] * 40]
    assert kept(spec, seconds, 0)[-43:-40] == [7700, 7800, 7900]


def test_the_last_moments_go_beyond_the_horizon():
    given = {"card": ["count", "previous_9_seconds"]}
    first = {
        horizon: kept(
            spec_for(windows=["2s"], aggregates=given, entities=["card"], horizon=horizon), range(0, 8000, 100), 0
        )[0]
        for horizon in (None, "250s")
    }
    assert first == {None: 5600, "250s": 6400}
