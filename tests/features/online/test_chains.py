"""A chain against a sorted list."""

from bisect import bisect_left, bisect_right

import numpy as np
import pytest

from features.online import arena, chains
from features.online.records import KindFields

CHAIN = 100
KIND_OF_TWO = 200


@pytest.fixture
def memory():
    words = arena.reserved_words(100_000, fewest=100_000)
    words[arena.NEXT] = 1000
    words[KIND_OF_TWO : KIND_OF_TWO + 4] = KindFields(at=0, width=2, shift=2, unused=arena.OWN_LISTS)
    return words


def put(memory, time, value):
    chain, kind = CHAIN, KIND_OF_TWO
    place = chains.first_from(memory, chain, kind, memory[chain + chains.FIRST], memory[chain + chains.END], time + 1)
    row = chains.opened(memory, chain, kind, place)
    memory[row], memory[row + 1] = time, value


def rows(memory):
    places = range(memory[CHAIN + chains.FIRST], memory[CHAIN + chains.END])
    found = [chains.row_at(memory, CHAIN, KIND_OF_TWO, place) for place in places]
    return [(int(memory[row]), int(memory[row + 1])) for row in found]


def test_rows_stand_in_order_and_ties_in_order_of_arrival(memory):
    times = np.random.default_rng(1).integers(0, 40, 300).tolist()
    expected = []
    for value, time in enumerate(times):
        put(memory, time, value)
        expected.insert(bisect_right([each for each, _ in expected], time), (time, value))
    assert rows(memory) == expected


def test_rows_that_are_taken_away_leave_no_gap_and_no_memory(memory):
    rng, expected = np.random.default_rng(2), []
    for _ in range(6):
        for value in range(30):
            put(memory, value, value)
        expected = sorted([*expected, *((value, value) for value in range(30))])
        while len(expected) > 5:
            place = int(rng.integers(len(expected)))
            del expected[place]
            chains.close(memory, CHAIN, KIND_OF_TWO, place)
        assert rows(memory) == expected
        used = memory[arena.NEXT]
    assert used < 1000 + 400


@pytest.mark.parametrize("hint", [0, 7, 150, 299, 10_000])
def test_a_hint_changes_how_long_a_search_takes_and_not_what_it_finds(memory, hint):
    times = sorted(np.random.default_rng(3).integers(0, 100, 300).tolist())
    for time in times:
        put(memory, time, 0)
    for key in (-1, 0, 3, 50, 99, 100):
        assert chains.sought(memory, CHAIN, KIND_OF_TWO, hint, key) == bisect_left(times, key)


def test_the_oldest_rows_go_a_few_blocks_at_a_time_and_places_stay(memory):
    for time in range(100):
        put(memory, time, 0)
    chains.drop_before(memory, CHAIN, KIND_OF_TWO, 90)
    assert rows(memory)[0] == (4 * chains.BLOCKS_DROPPED, 0)
    chains.drop_before(memory, CHAIN, KIND_OF_TWO, 47)
    assert rows(memory)[0] == (44, 0)
    assert int(memory[chains.row_at(memory, CHAIN, KIND_OF_TWO, 60)]) == 60


def test_a_chain_that_moves_on_takes_no_more_memory(memory):
    for time in range(3000):
        put(memory, time, 0)
        if time > 50:
            chains.drop_before(memory, CHAIN, KIND_OF_TWO, time - 50)
    assert memory[arena.NEXT] < 1000 + 2 * 80 + 64
