"""Reference rows: legitimate, ordinary, and the same ones whenever they are looked for."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.bundle.signature import Signature
from pipeline.stages.export.reference_rows import reference_rows

SIGNATURE = Signature(("amount", "count"), ("channel",), ("probability",))
GROUPS = [["amount", "count"], ["channel"]]


def train(rows: int = 500, **changed: object) -> pa.Table:
    rng = np.random.default_rng(3)
    columns = {
        "transaction_id": np.arange(rows),
        "amount": rng.exponential(50, rows).astype(np.float32),
        "count": rng.integers(0, 9, rows).astype(np.float32),
        "channel": rng.choice(["chip", "chip", "web"], rows),
        "label": pa.array(rng.choice([0, 0, 0, 1], rows), pa.int8()),
    }
    return pa.table(columns | changed)


def test_references_are_legitimate_and_nearest_to_the_middle_of_every_group() -> None:
    table = train()
    found = reference_rows(table, SIGNATURE, GROUPS)
    assert found.num_rows == 16
    assert set(found["label"].to_pylist()) == {0}
    assert set(found["channel"].to_pylist()) == {"chip"}
    legitimate = table.filter(pa.compute.equal(table["label"], 0))
    for name in ("amount", "count"):
        values = legitimate[name].to_numpy()
        ranks = [(values < value).mean() / 2 + (values <= value).mean() / 2 for value in found[name].to_numpy()]
        assert np.abs(np.array(ranks) - 0.5).max() < 0.2


def test_rows_whose_label_is_not_known_are_no_references() -> None:
    labels = pa.array([0] * 9 + [None] * 491, pa.int8())
    found = reference_rows(train(label=labels), SIGNATURE, GROUPS)
    assert sorted(found["transaction_id"].to_pylist()) == list(range(9))


def test_the_same_rows_give_the_same_references_and_other_columns_change_none() -> None:
    one, other = train(), train().append_column("noise", pa.array(np.random.default_rng(0).random(500)))
    assert reference_rows(one, SIGNATURE, GROUPS).equals(
        reference_rows(other, SIGNATURE, GROUPS).select(one.column_names)
    )


def test_a_group_counts_as_another_however_many_columns_it_has() -> None:
    """One odd group of one column weighs as much as one of four equal columns."""
    ends = np.array([0.0] * 10 + [5.0] * 20 + [9.0] * 10, np.float32)
    names = ("a", "b", "c", "d", "amount")
    table = pa.table({**dict.fromkeys(names[:4], ends), "amount": ends[::-1].copy(), "label": np.zeros(40, np.int8)})
    shifted = table.set_column(4, "amount", pa.array(np.roll(ends, 5)))
    signature = Signature(names, (), ("probability",))
    found = reference_rows(shifted, signature, [names[:4], names[4:]])
    assert set(found["a"].to_pylist()) == {5.0}
    assert (found["amount"].to_numpy() == 5.0).sum() == 15


def test_too_few_legitimate_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="reasons need 8 legitimate rows in train to compare with, got 7"):
        reference_rows(train(label=pa.array([0] * 7 + [1] * 493, pa.int8())), SIGNATURE, GROUPS)
