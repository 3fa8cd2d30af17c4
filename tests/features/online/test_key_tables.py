"""A table against a dict."""

import numpy as np
import pytest

from features.online import arena, key_tables

TABLE = 500


@pytest.fixture
def memory():
    words = arena.reserved_words(1 << 20, fewest=1 << 20)
    words[arena.NEXT] = TABLE + key_tables.TABLE_WORDS
    words[TABLE + key_tables.MASK] = -1
    return words


def kept(memory, high, low):
    """The address of two words that hold a key."""
    address = int(arena.region(memory, 2, arena.OWN_LISTS))
    memory[address : address + 2] = high, low
    return address


def put(memory, high, low):
    address = kept(memory, high, low)
    key_tables.put(memory, TABLE, high, low, address)
    return address


def test_keys_come_and_go_as_in_a_dict(memory):
    rng, known = np.random.default_rng(1), {}
    for _ in range(6000):
        high, low = (int(word) for word in rng.integers(-40, 40, 2))
        if (high, low) in known:
            del known[high, low]
            key_tables.take_out(memory, TABLE, high, low)
        else:
            known[high, low] = put(memory, high, low)
    every = [(high, low) for high in range(-40, 40) for low in range(-40, 40)]
    assert [key_tables.found(memory, TABLE, *key) for key in every] == [known.get(key, 0) for key in every]


def test_both_words_of_a_key_count(memory):
    address = put(memory, 5, 7)
    assert key_tables.found(memory, TABLE, 5, 7) == address
    assert key_tables.found(memory, TABLE, 7, 5) == key_tables.found(memory, TABLE, 5, 8) == 0


def test_keys_whose_slots_are_alike_are_told_apart_by_their_words(memory):
    first, other = put(memory, 5, 7), kept(memory, 6, 8)
    part, tag = key_tables._place(TABLE, 5, 7)
    slots = memory[part]
    place = slots + (tag & memory[part + 1] - 1)
    memory[place] = tag << key_tables.VALUE_BITS | other
    assert key_tables.found(memory, TABLE, 5, 7) == 0
    memory[place] = tag << key_tables.VALUE_BITS | first
    assert key_tables.found(memory, TABLE, 5, 7) == first


def test_bits_above_the_key_are_none_of_it_where_the_table_says_so(memory):
    address = put(memory, 5, 7)
    memory[address] |= 3 << key_tables.VALUE_BITS
    assert key_tables.found(memory, TABLE, 5, 7) == 0
    memory[TABLE + key_tables.MASK] = key_tables.VALUES
    assert key_tables.found(memory, TABLE, 5, 7) == address


def test_a_key_that_moved_is_found_where_it_is(memory):
    put(memory, 5, 7)
    moved = kept(memory, 5, 7)
    key_tables.replace(memory, TABLE, 5, 7, moved)
    assert key_tables.found(memory, TABLE, 5, 7) == moved


def test_a_part_that_grows_leaves_the_others_alone(memory):
    for key in range(1, 20_000):
        put(memory, key, key)
    capacities = memory[TABLE + key_tables.HEADER_WORDS + 1 : TABLE + key_tables.TABLE_WORDS : key_tables.PART_WORDS]
    assert capacities.max() <= 64
    assert memory[arena.LARGEST] == capacities.max()
