import numpy as np
import pytest

from features.online import arena


def new_memory(words=1000):
    memory = arena.reserved_words(words, fewest=words)
    memory[arena.NEXT] = 200
    return memory


def test_memory_is_reserved_and_not_taken():
    memory = arena.reserved_words(2**33, fewest=2**33)
    assert memory.nbytes == 2**36
    assert memory[-1] == 0


def test_less_is_reserved_where_the_system_promises_less():
    assert len(arena.reserved_words(2**60, fewest=1000)) < 2**47


def test_more_memory_than_there_can_be_is_refused():
    with pytest.raises(ValueError, match="must have memory for 4611686018427387904 bytes at once, but the system"):
        arena.reserved_words(2**60, fewest=2**59)


def test_a_region_that_was_given_back_is_the_next_of_its_kind():
    memory, unused = new_memory(), arena.list_of(16)
    first, second = (arena.region(memory, 16, unused) for _ in range(2))
    assert (first, second, memory[arena.NEXT]) == (200, 216, 232)
    for address in (first, second):
        arena.give_back(memory, address, unused)
    assert [arena.region(memory, 16, unused) for _ in range(3)] == [second, first, 232]


def test_the_largest_region_is_known():
    memory = new_memory()
    for words in (8, 64, 16):
        arena.region(memory, words, arena.list_of(words))
    assert memory[arena.LARGEST] == 64


def test_regions_of_each_power_of_two_have_a_list_of_their_own():
    lists = [arena.list_of(1 << exponent) for exponent in range(40)]
    assert lists == sorted(set(lists))
    assert lists[-1] < arena.OWN_LISTS


def test_a_state_is_an_array_of_words():
    assert new_memory().dtype == np.int64
