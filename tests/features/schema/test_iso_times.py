"""ISO 8601 text is read by one rule, whatever stands beside it."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema import iso_times as module
from features.schema.iso_times import days_alone, iso_stamps


def read(texts):
    """Microseconds since 1970 of each text and whether it has a zone; None where it is no time."""
    stamps = iso_stamps(pa.array(texts, pa.string()))
    naive, zoned = (pc.cast(each, pa.int64()).to_pylist() for each in (stamps.naive, stamps.zoned))
    assert not any(a is not None and b is not None for a, b in zip(naive, zoned, strict=True))
    return [(a, False) if b is None else (b, True) for a, b in zip(naive, zoned, strict=True)]


MOMENT = (int(datetime(2024, 1, 2, 15, 41, 6, tzinfo=UTC).timestamp()) * 1_000_000, True)
SPELLED = [
    "2024-01-02T15:41:06Z",
    "2024-01-02 15:41:06+00",
    "2024-01-02 15:41:06 UTC",
    "2024-01-02 15:41:06 GMT",
    "2024-01-02t15:41:06z",
    "2024-01-02T15:41:06.000 Z",
    "2024-01-02 15:41:06,000000000Z",
    "2024-01-02 21:11:06 +05:30",
    "2024-01-02T10:41:06-0500",
]
NEVER = [
    "soon",
    "",
    "2024-02-30",
    "2023-02-29",
    "2024-04-31T10:00:00Z",
    "2024-01-02T24:00:00",
    "20240102",
    "2024-01-02-05",
]


@pytest.mark.parametrize("text", SPELLED)
def test_every_spelling_of_a_moment_is_that_moment(text):
    assert read([text]) == [MOMENT]


@given(st.lists(st.sampled_from([*SPELLED, *NEVER, "2024-01-02", "2024-01-02 15", None]), max_size=40))
@settings(deadline=None)
def test_a_text_reads_the_same_alone_and_among_others(texts):
    assert read(texts) == [read([text])[0] for text in texts]


characters = st.text(alphabet="0123456789-:. TZ+", min_size=1, max_size=6)
near = st.builds(
    lambda day, place, change: day[:place] + change + day[place + len(change) :],
    st.sampled_from(["2024-02-29 15:41:06.25", "1900-03-01T15:41:06Z", "2024-12-31", "2000-02-29 10:00:00+01:00"]),
    st.integers(0, 25),
    characters,
)


@given(near)
@settings(deadline=None, max_examples=300)
def test_the_slow_way_accepts_what_arrow_accepts(text):
    """The grammar must be Arrow's: or a bad neighbour would decide whether a text is a time."""
    fast = [_cast(text, kind) for kind in (module.NAIVE, module.UTC)]
    slow = [pc.cast(each, pa.int64())[0].as_py() for each in module._row_by_row(pa.array([text]))]
    for arrow, own in zip(fast, slow, strict=True):
        assert arrow is None or own == arrow
    if fast == [None, None] and slow != [None, None]:
        assert any(pc.match_substring_regex(pa.array([text]), pattern)[0].as_py() for pattern, _ in module.SPELLINGS)


def _cast(text, kind):
    try:
        return pc.cast(pc.cast(pa.array([text]), kind), pa.int64())[0].as_py()
    except pa.ArrowInvalid:
        return None


def test_one_bad_text_costs_no_good_one_its_time_in_a_batch_of_many_pieces(monkeypatch):
    monkeypatch.setattr(module, "PIECE", 8)
    good = [f"2024-01-{1 + n % 28:02d} 10:00:00" for n in range(100)]
    found = read([*good[:50], "soon", *good[50:]])
    assert found[50] == (None, False)
    assert found[:50] + found[51:] == read(good)


def test_days_alone_are_told_from_midnights():
    texts = [
        "2024-01-02",
        "2024-01-02Z",
        "2024-01-02 UTC",
        "2024-01-02+05:00",
        "2024-01-02 00:00",
        "2024-01-02T00Z",
        None,
    ]
    assert np.flatnonzero(days_alone(pa.array(texts))).tolist() == [0, 1, 2, 3]
