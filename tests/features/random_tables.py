"""Small transaction tables full of ties, nulls, late labels and shared ids."""

import pyarrow as pa
from hypothesis import strategies as st

SECOND = 1_000_000
START = 1_600_000_000 * SECOND

SCHEMA = pa.schema(
    {
        "event_time": pa.timestamp("us", "UTC"),
        "card_id": pa.string(),
        "merchant_id": pa.int64(),
        "amount": pa.float64(),
        "amount_minor": pa.int64(),
        "label": pa.int8(),
        "label_available_at": pa.timestamp("us", "UTC"),
    }
)


def transaction(second, card, merchant, minor, label, delay):
    time = START + second * SECOND
    return {
        "event_time": time,
        "card_id": card,
        "merchant_id": merchant,
        "amount": minor / 100,
        "amount_minor": minor,
        "label": label,
        "label_available_at": None if label is None else time + delay * SECOND,
    }


def table_of(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def rows_of(table):
    whole = {name: pa.int64() for name in ("event_time", "label_available_at")}
    return table.cast(pa.schema([(f.name, whole.get(f.name, f.type)) for f in table.schema])).to_pylist()


TRANSACTIONS = st.builds(
    transaction,
    second=st.integers(0, 40),
    card=st.sampled_from(["a", "b", "c", None]),
    merchant=st.sampled_from([-7, 3, 10**15, None]),
    minor=st.one_of(st.integers(0, 30), st.integers(0, 10**9)),
    label=st.sampled_from([0, 1, None]),
    delay=st.integers(0, 30),
)
TABLES = st.lists(TRANSACTIONS, max_size=25).map(table_of)


def random_table(rng, rows=60, seconds=60):
    """A table dense enough that every leak has something to leak; in no order of time."""
    return table_of(
        [
            transaction(
                int(rng.integers(seconds)),
                rng.choice(["a", "b", "c"]),
                int(rng.integers(4)),
                int(rng.integers(1, 5000)),
                int(rng.random() < 0.4),
                int(rng.integers(0, 25)),
            )
            for _ in range(rows)
        ]
    )


def assert_same_bits(table, expected):
    """Equal to the bit, NaN included, which arrow's own comparison never finds equal."""
    assert table.schema == expected.schema
    for name in table.column_names:
        ours, theirs = table[name], expected[name]
        if pa.types.is_floating(ours.type):
            assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes(), name
        else:
            assert ours.equals(theirs), name
