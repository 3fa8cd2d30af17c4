import numpy as np

from features.online.known_ids import ids_of_known
from features.online.records import KNOWN_WORDS
from tests.fixtures.online_logs import empty_state, in_order, random_log, row_of


def test_ids_of_rows_are_found_again_and_those_of_strangers_are_not():
    rows, _ = random_log(np.random.default_rng(1), rows=80)
    state = empty_state()
    values = np.empty(len(state.plan.names), np.float32)
    words = []
    for event in in_order(rows):
        row = row_of(rows[event.row], event.row, state=state)
        state.accept(row, values)
        words.append(state.event(row))
    words = np.array(words)
    assert (ids_of_known(state, words[:, :2]) == words[:, KNOWN_WORDS:]).all()
    assert (words[:, KNOWN_WORDS:] == 0).any()
    assert not ids_of_known(state, np.array([[1, 2]])).any()
