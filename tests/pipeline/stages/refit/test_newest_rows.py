"""What is wrong with the newest rows is said, and what is not is let be."""

import numpy as np
import pyarrow as pa
import pytest

from features.times import DAY
from pipeline.stages.refit.newest_rows import feed_faults

NOW, WEEK = 42 * DAY, 7 * DAY


def world(rng, *, rows=6000, thinned=1.0):
    time = np.sort(rng.integers(1, NOW + 1, rows))
    time = time[(time <= NOW - WEEK) | (rng.random(rows) < thinned)]
    amount = rng.gamma(2, 20, time.size).astype(np.float32)
    merchant = rng.choice(["a", "b"], time.size)
    return pa.table({"amount": amount, "merchant": merchant}), time


def faults(table, time):
    return feed_faults(table, time, now=NOW, block=WEEK, numeric=("amount",), categorical=("merchant",))


def without(table, name, lost):
    values = table[name].to_pylist()
    empty = [None if gone else value for value, gone in zip(values, lost, strict=True)]
    return table.set_column(table.schema.get_field_index(name), name, pa.array(empty, table[name].type))


def test_an_ordinary_week_has_no_fault():
    assert faults(*world(np.random.default_rng(1))) == []


@pytest.mark.parametrize("seed", range(5))
def test_half_of_the_rows_are_missed(seed):
    found = faults(*world(np.random.default_rng(seed), thinned=0.5))
    assert len(found) == 1
    assert "an ordinary one" in found[0]


@pytest.mark.parametrize("name", ["amount", "merchant"])
@pytest.mark.parametrize("days", [1, 3, 7])
def test_a_column_that_goes_is_named(name, days):
    table, time = world(np.random.default_rng(2))
    found = faults(without(table, name, time > NOW - days * DAY), time)
    assert len(found) == 1
    assert found[0].endswith(name)


def test_a_column_that_comes_is_no_fault():
    table, time = world(np.random.default_rng(3))
    assert faults(without(table, "amount", time <= NOW - WEEK), time) == []


def test_a_window_of_one_block_has_nothing_to_compare_with():
    table, time = world(np.random.default_rng(4))
    newest = time > NOW - WEEK
    assert faults(table.filter(pa.array(newest)), time[newest]) == []
