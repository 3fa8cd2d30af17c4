from dataclasses import replace

import numpy as np
import pytest

from pipeline.online.replayed_log import Log, in_event_time, overruled, read_log, replayed
from pipeline.storage.errors import InputError
from tests.fixtures.online_logs import Arrival, Relabelled, answers, assert_same_values, empty_state, random_log
from tests.fixtures.random_tables import SECOND, START, transaction
from tests.fixtures.served_logs import log_of, served_events, start_of, written


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return start_of(tmp_path_factory.mktemp("log"))


def test_a_log_replayed_gives_the_answers_and_the_state_that_serving_had(start):
    rows, log = random_log(np.random.default_rng(2), rows=60)
    state = empty_state()
    expected = answers(state, rows, log)
    replay = replayed(log_of(start, rows, log))
    assert_same_values(replay.answers, expected)
    assert replay.after.state.digest() == state.digest()
    again = log_of(start, rows, log)
    assert replayed(again).after.state.digest() == replay.after.state.digest()


def test_event_time_puts_rows_before_labels_of_their_moment_and_labels_behind_their_rows(start):
    rows, log = random_log(np.random.default_rng(2), rows=60)
    told = log_of(start, rows, log)
    order = in_event_time(told)
    assert sorted([*order, *overruled(told)]) == list(range(len(told.events)))
    moments = [told.events[offset].moment for offset in order if told.events[offset].kind == 1]
    assert moments == sorted(moments)
    place = {offset: at for at, offset in enumerate(order)}
    first = {event.words[:2].tobytes(): o for o, event in reversed(list(enumerate(told.events))) if event.kind == 1}
    for offset, event in enumerate(told.events):
        assert event.kind == 1 or offset not in place or place[first[event.words[:2].tobytes()]] < place[offset]


def test_a_label_that_another_of_no_later_moment_replaced_was_never_told_in_time(start):
    rows = [transaction(second, "a", 1, 100, None, 0) for second in (0, 30)]
    at = [START + second * SECOND for second in (10, 5, 20)]
    log = [Arrival(0), *(Relabelled(0, 1, moment) for moment in at), Arrival(1)]
    told = log_of(start, rows, log)
    assert overruled(told) == {1: 2}
    assert in_event_time(told) == [0, 2, 3, 4]


def test_a_log_reads_as_it_was_written(tmp_path):
    start_of(tmp_path)
    events = served_events(*random_log(np.random.default_rng(2), rows=20))
    written(tmp_path, events[:9])
    written(tmp_path, events[9:], offset=9)
    log = read_log(tmp_path)
    assert [each.record() for each in log.events] == [each.record() for each in events]
    assert log.rows == [place for place, event in enumerate(events) if event.kind == 1]


def test_events_of_another_width_are_refused(start, tmp_path):
    start_of(tmp_path)
    event = served_events(*random_log(np.random.default_rng(2), rows=2))[0]
    written(tmp_path, [replace(event, words=event.words[:-1])])
    with pytest.raises(InputError, match="every event must be a row or a label of 9 words"):
        read_log(tmp_path)
    assert Log(start, []).rows == []
