import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.windows import ordering
from features.windows.kernels import NO_EVENT

codes_lists = st.lists(st.integers(-1, 5), max_size=30).map(lambda codes: np.array(codes, np.int32))


@given(codes_lists)
@settings(deadline=None)
def test_sizes_of_groups_and_chunks_count_rows_with_an_id(codes):
    chunk_of = np.array([0, 0, 1, 1, 1, 2], np.int32)
    groups, chunks = np.zeros(6, np.int64), np.zeros(3, np.int64)
    ordering.group_sizes(codes, groups)
    ordering.chunk_sizes(codes, np.empty(0, np.int32), chunk_of, chunks)
    assert groups.tolist() == [(codes == code).sum() for code in range(6)]
    assert chunks.tolist() == [groups[chunk_of == chunk].sum() for chunk in range(3)]


@given(codes_lists, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_two_sorts_together_are_one_stable_sort_by_group(codes, random):
    rows = np.arange(len(codes))
    random.shuffle(rows)
    order, chunk_of = rows.astype(np.int32), np.zeros(6, np.int32)
    places, ordered = np.empty(len(codes), np.int32), np.empty((codes >= 0).sum(), np.int32)
    ordering.chunk_places(codes, order, chunk_of, np.zeros(1, np.int64), places, ordered)
    ranks = np.empty(len(ordered), np.int32)
    sizes = np.bincount(ordered, minlength=6)
    ordering.group_ranks(ordered, 0, np.cumsum(sizes) - sizes, ranks)
    known = [row for row in order if codes[row] >= 0]
    expected = sorted(known, key=lambda row: codes[row])
    assert [known[step] for step in np.argsort(ranks)] == expected
    assert (places[codes < 0] == -1).all()
    assert [codes[row] for row in known] == ordered.tolist()


def test_what_is_scattered_is_gathered_again():
    places, values = np.array([2, -1, 0, 1], np.int32), np.array([1.5, 9, 2.5, 3.5])
    ordered, back = np.empty(3), np.empty(4)
    ordering.scatter(values, places, ordered)
    ordering.gather(ordered, places, np.float64(-7), back)
    assert ordered.tolist() == [2.5, 3.5, 1.5]
    assert back.tolist() == [1.5, -7, 2.5, 3.5]


def test_quotients_are_taken_in_float64_whatever_the_types():
    values = np.empty(1, np.float32)
    ordering.gather_quotients(np.array([2**53 + 2]), np.array([0], np.int32), np.float64(3), values)
    assert values[0] == np.float32((2**53 + 2) / 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 4)), max_size=30))
@settings(deadline=None)
def test_pairs_have_one_number_each(rows):
    rows.sort(key=lambda row: row[0])
    other = np.array([code for _, code in rows], np.int32)
    sizes = np.bincount([group for group, _ in rows], minlength=4)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    pairs = np.empty(len(rows), np.int32)
    found = ordering.pair_codes(other, starts, np.empty(5, np.int32), pairs)
    numbers = {row: number for row, number in zip(rows, pairs.tolist(), strict=True) if row[1] >= 0}
    assert sorted(numbers.values()) == list(range(found))
    assert all((number == -1) == (row[1] < 0) for row, number in zip(rows, pairs.tolist(), strict=True))
    assert all(numbers[row] == number for row, number in zip(rows, pairs.tolist(), strict=True) if row[1] >= 0)


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.int64])
def test_ids_are_shifted_without_leaving_their_type(kind):
    lowest, codes = np.iinfo(kind).max - 2, np.empty(3, np.int32)
    ordering.shifted(np.array([lowest, lowest + 2, lowest + 1], kind), kind(lowest), codes)
    assert codes.tolist() == [0, 2, 1]


def test_a_label_without_a_moment_never_becomes_available():
    label, available, keys = (
        np.array([1, 0, 1, ordering.NO_LABEL], np.int8),
        np.array([5, 6, NO_EVENT, 7]),
        np.empty(4, np.int64),
    )
    ordering.label_keys(label, available, keys)
    assert keys.tolist() == [11, 12, NO_EVENT, NO_EVENT]
    assert ordering.strange_labels(np.array([0, 1, 2, -1, ordering.NO_LABEL], np.int8)) == 2
