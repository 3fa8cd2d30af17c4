"""Slices of groups against the whole table, to the bit, whatever the table and wherever it is cut."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.windows.time_slices import cut_keys, needed_rows, passes
from features.windows.window_table import window_features
from tests.features.windows.test_window_table import COMPROMISED, EVERYTHING, spec_for
from tests.fixtures.changing_labels import CHANGING_TABLES, random_changing_table
from tests.fixtures.random_tables import SECOND, START, TABLES, assert_same_bits, random_table, table_of, transaction

SERVED = {name: [each for each in names if each not in COMPROMISED] for name, names in EVERYTHING.items()}
FOREVER = 2**62
CUTS = st.lists(st.integers(0, 60), max_size=6, unique=True).map(sorted)


def slices_of(table, one, cuts):
    """Of each group of the anchor and each slice: its own rows, those it needs, and which of these are its own."""
    time = table["event_time"].cast(pa.int64()).to_numpy()
    ids = table[one.anchor[0]].to_pylist()
    edges = [-FOREVER, *(START + cut * SECOND for cut in cuts), FOREVER]
    for key in {*ids} - {None}:
        group = np.flatnonzero([each == key for each in ids])
        for start, end in pairwise(edges):
            needed = group[needed_rows(table.take(group), one, start=start, end=end)]
            own = (time[needed] >= start) & (time[needed] < end)
            yield needed[own], needed, own


def assert_slices_equal_the_whole(table, cuts, changed=lambda one: one, **given):
    spec = spec_for(table, aggregates=SERVED, **given)
    whole = window_features(table, spec=spec, threads=1)
    for one in passes(spec):
        for rows, needed, own in slices_of(table, changed(one), cuts):
            made = window_features(table.take(needed), spec=one.spec, threads=1).filter(pa.array(own))
            assert_same_bits(made.combine_chunks(), whole.take(rows).select(one.spec.names).combine_chunks())


@pytest.mark.parametrize("given_features", [{}, {"include_current": True}, {"horizon": "30s"}])
@settings(deadline=None, max_examples=15)
@given(table=TABLES, cuts=CUTS)
def test_slices_have_the_bits_of_the_whole(given_features, table, cuts):
    assert_slices_equal_the_whole(table, cuts, **given_features)


@settings(deadline=None, max_examples=15)
@given(table=CHANGING_TABLES, cuts=CUTS)
def test_slices_have_them_where_labels_changed(table, cuts):
    assert_slices_equal_the_whole(table, cuts)


@pytest.mark.parametrize(
    "changed",
    [
        lambda one: replace(one, moments={}),
        lambda one: replace(one, moments={entity: count - 1 for entity, count in one.moments.items() if count > 1}),
        lambda one: replace(one, label_halo=0),
        lambda one: replace(one, label_halo=one.label_halo - SECOND),
        lambda one: replace(one, halo=one.halo - 15 * SECOND),
    ],
    ids=["no moments", "one moment short", "no label halo", "label halo a second short", "halo too short"],
)
def test_a_slice_that_sees_less_is_caught(changed):
    rng = np.random.default_rng(3)
    later = [transaction(second, "a", 1, 100, 0, 0) for second in (20, 21, 22, 23, 45)]
    edge = table_of([transaction(0, "a", 1, 100, 1, 25), *later])
    dense = table_of([transaction(second, "a", 1, 100, None, 0) for second in (*range(26, 34), 45)])
    caught = []
    for table in (edge, dense, random_table(rng), random_changing_table(rng)):
        try:
            assert_slices_equal_the_whole(table, [20, 30, 45, 50], changed)
        except AssertionError:
            caught.append(table)
    assert caught


def test_a_card_brings_its_pairs_together():
    spec = spec_for(random_table(np.random.default_rng(0)), aggregates=SERVED)
    assert [(one.anchor, one.spec.entities) for one in passes(spec)] == [
        (("card_id",), (("card_id",), ("card_id", "merchant_id"))),
        (("merchant_id",), (("merchant_id",),)),
    ]
    assert sum(len(one.spec.columns) for one in passes(spec)) == sum(bool(c.entity) for c in spec.columns)


def test_columns_that_read_other_groups_are_refused_by_name():
    spec = spec_for(random_table(np.random.default_rng(0)))
    with pytest.raises(InputError, match="merchant_5s_compromised_cards"):
        passes(spec)


def test_groups_that_fit_a_task_are_not_cut():
    times = {"large": np.arange(1000), "small": np.arange(100)}
    cut = cut_keys(times, one_in=10, most_rows=2_000, halo=10)
    assert cut.keys == ("large",)
    assert cut.slices == 5
    assert cut_keys(times, one_in=10, most_rows=10_000, halo=10).slices == 0


def test_a_slice_owns_as_many_rows_as_its_halo_holds():
    cut = cut_keys({"shop": np.arange(1000)}, one_in=1, most_rows=10, halo=250)
    assert cut.slices == 4


def test_rows_of_one_moment_are_not_cut_apart():
    cut = cut_keys({"shop": np.repeat([5, 9], [900, 100])}, one_in=1, most_rows=100, halo=0)
    assert cut.starts == ((9,),)
