"""Columns of an outcome file mean the same in every kind of file, and every fault is counted."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.times import time_microseconds
from pipeline.outcomes.outcome_file import column_names, outcome_columns
from pipeline.storage.errors import InputError

ROWS = pd.DataFrame(
    {
        "label": [1.0, 0.0, np.nan],
        "blocked": [0.0, 1.0, np.nan],
        "amount": [1.5, 0.0, 20.0],
        "probability": [0.5, 0.0, 1.0],
        "event_time": ["2024-05-01T06:00:00Z", "2024-05-01T08:00:00+02:00", "2024-05-02"],
        "card_id": ["x", "y", "x"],
        "channel": ["web", "shop", "web"],
    }
)


def file(folder, rows, kind="csv"):
    path = folder / f"rows.{kind}"
    if kind == "parquet":
        rows.to_parquet(path)
    elif kind == "csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_arrays(tmp_path, kind):
    found = outcome_columns(file(tmp_path, ROWS, kind))
    np.testing.assert_array_equal(found.label, [1, 0, np.nan])
    assert found.blocked.tolist() == [False, True, False]
    assert found.amount.tolist() == [1.5, 0.0, 20.0]
    morning = time_microseconds("2024-05-01T06:00:00Z")
    assert found.event_time.tolist() == [morning, morning, time_microseconds("2024-05-02")]
    assert found.card[0] == found.card[2] != found.card[1]
    assert column_names(tmp_path / f"rows.{kind}") == list(ROWS)


def test_a_column_that_the_file_lacks_is_none_and_nothing_is_blocked(tmp_path):
    found = outcome_columns(file(tmp_path, ROWS[["label"]]))
    assert (found.amount, found.probability, found.event_time, found.card) == (None, None, None, None)
    assert found.blocked.tolist() == [False, False, False]


def test_a_column_without_a_value_is_unknown_everywhere(tmp_path):
    found = outcome_columns(file(tmp_path, ROWS.assign(label=None), "parquet"))
    assert np.isnan(found.label).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": [1, 2, 3]}, "'label': must be 0, 1 or empty, got 2 rows that are not"),
        ({"blocked": "no"}, "'blocked': must be 0, 1 or empty, got 3 rows"),
        ({"amount": [-1, np.inf, 1]}, "'amount': must be a finite number ≥ 0, got 2 rows"),
        ({"probability": [0.5, 1.01, np.nan]}, r"'probability': must be a number in \[0, 1\], got 2 rows"),
        ({"label": ["1", "fraud", "4929"]}, "'label': .* got 2 rows that are not, first row 2 in a column of .*string"),
        (
            {"amount": ["1", "EUR 4929", "2"]},
            "'amount': .* got 1 rows that are not, first row 2 in a column of .*string",
        ),
        ({"event_time": [0, 1, 2]}, "'event_time': must be ISO 8601 times, got 3 rows"),
        ({"event_time": ["2024-05-01", None, "2024-05-02"]}, "'event_time': must be ISO 8601 times, got 1 rows"),
    ],
)
def test_a_value_that_cannot_be_is_counted(tmp_path, change, said):
    with pytest.raises(InputError, match=rf"1 fault in .*rows\.parquet \(3 rows\)\n  {said}"):
        outcome_columns(file(tmp_path, ROWS.assign(**change), "parquet"))


def test_faults_of_all_columns_come_at_once(tmp_path):
    with pytest.raises(InputError, match=r"(?s)^3 faults in .*'label'.*'amount'.*'event_time'"):
        outcome_columns(file(tmp_path, ROWS.assign(label=7, amount=-1.0, event_time="soon"), "parquet"))


def test_a_file_that_cannot_be_read_is_refused_by_its_kind(tmp_path):
    (tmp_path / "rows.jsonl").write_text("{")
    with pytest.raises(InputError, match=r"rows\.jsonl: every row must be whole, row 1 is not"):
        outcome_columns(tmp_path / "rows.jsonl")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"action": ["approved", "declined", ""]}, "'action': must be approved, challenged, blocked or empty, got 1"),
        ({"action": ["approved", "approved", ""], "blocked": [0, 1, 0]}, "must say what 'action' says .* got 1 rows"),
        ({"action": ["blocked", "approved", ""], "approval_probability": [0, 0, 1]}, "must be above 0 .* got 1 rows"),
        ({"approval_probability": [0.5, 1.5, 1]}, r"'approval_probability': must be a number in \[0, 1\] or empty"),
    ],
)
def test_actions_that_cannot_be_are_told(tmp_path, columns, said):
    rows = ROWS[["label"]].assign(**columns)
    with pytest.raises(InputError, match=said):
        outcome_columns(file(tmp_path, rows, "parquet"))


@pytest.mark.parametrize(
    ("label", "amount"),
    [
        ([Decimal(1), Decimal(0), None], [Decimal("1.50"), Decimal(0), Decimal(20)]),
        ([True, False, None], [1.5, 0.0, 20.0]),
        (["true", "FALSE", ""], ["1.5", " 0 ", "20"]),
        (["1.0", "0", " "], [b"1.5", b"0", b"20"]),
    ],
)
def test_values_of_every_type_are_read_as_ingest_reads_them(tmp_path, label, amount):
    pq.write_table(pa.table({"label": label, "amount": amount}), tmp_path / "rows.parquet")
    found = outcome_columns(tmp_path / "rows.parquet")
    np.testing.assert_array_equal(found.label, [1, 0, np.nan])
    assert found.amount.tolist() == [1.5, 0.0, 20.0]


def test_one_odd_time_does_not_change_how_its_neighbours_are_read(tmp_path):
    times = ["2024-05-01 06:00:00 UTC", "2024-05-01T08:00:00+02", "2024-05-01"]
    found = outcome_columns(file(tmp_path, ROWS[["label"]].assign(event_time=times)))
    morning = time_microseconds("2024-05-01T06:00:00Z")
    assert found.event_time.tolist() == [morning, morning, time_microseconds("2024-05-01")]


def test_a_row_that_is_none_is_told_by_its_number(tmp_path):
    (tmp_path / "rows.csv").write_text("card_id,label\n4929123412341234,0\n4929123412341234,0,x\n")
    with pytest.raises(InputError, match=r"every row must be whole, row 2 is not: record: must have 2 fields$"):
        outcome_columns(tmp_path / "rows.csv")
