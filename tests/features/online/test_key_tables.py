"""A table against a dict."""

import numpy as np
import pytest

from features.online import arena, key_tables

TABLE = 500


@pytest.fixture
def memory():
    words = arena.reserved_words(1 << 20, fewest=1 << 20)
    words[arena.NEXT] = TABLE + key_tables.TABLE_WORDS
    return words


def test_keys_come_and_go_as_in_a_dict(memory):
    rng, known = np.random.default_rng(1), {}
    for value in range(1, 6000):
        high, low = (int(word) for word in rng.integers(-40, 40, 2))
        if (high, low) in known:
            del known[high, low]
            key_tables.take_out(memory, TABLE, high, low)
        else:
            known[high, low] = value
            key_tables.put(memory, TABLE, high, low, value)
    every = [(high, low) for high in range(-40, 40) for low in range(-40, 40)]
    assert [key_tables.found(memory, TABLE, *key) for key in every] == [known.get(key, 0) for key in every]


def test_both_words_of_a_key_count(memory):
    key_tables.put(memory, TABLE, 5, 7, 1)
    assert key_tables.found(memory, TABLE, 5, 7) == 1
    assert key_tables.found(memory, TABLE, 7, 5) == key_tables.found(memory, TABLE, 5, 8) == 0


def test_a_part_that_grows_leaves_the_others_alone(memory):
    for key in range(1, 20_000):
        key_tables.put(memory, TABLE, key, key, key)
    capacities = memory[TABLE + 1 : TABLE + key_tables.TABLE_WORDS : key_tables.PART_WORDS]
    assert capacities.max() <= 64
    assert memory[arena.LARGEST] == capacities.max() * key_tables.SLOT_WORDS
