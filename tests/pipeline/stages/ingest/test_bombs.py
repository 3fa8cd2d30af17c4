"""Small files that are large inside: each ends in one message, long before memory or disk is full."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.storage import child_reading, read_limits
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import ingested

HEADER = "transaction_id,event_time,card_id,merchant_id,amount,label,merchant_category\n"
ROW = "1,2024-01-01T00:00:00Z,c,m,1.00,0,food\n"


def refused(folder, name, content=None, **given):
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refusal:
        ingested(folder / name, **given)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def table(rows, **columns):
    plain = {
        "event_time": pa.array(np.zeros(rows, np.int64) + 1_700_000_000_000_000).cast(pa.timestamp("us", "UTC")),
        "amount": np.ones(rows),
        "label": np.zeros(rows, np.int8),
    }
    return pa.table({**plain, **columns})


def test_a_million_columns(tmp_path):
    names = ",".join(f"c{n}" for n in range(20_000))
    assert "at most 10,000 columns, got 20,000" in refused(tmp_path, "wide.csv", f"{names}\n")
    endless = ",".join(f"column{n}" for n in range(200_000))
    assert "the header than 1 MiB" in refused(tmp_path, "wider.csv", f"{endless}\n")


def test_one_field_as_large_as_the_file(tmp_path):
    assert "values of at most 65,536 bytes" in refused(tmp_path, "a.csv", HEADER + ROW.replace("food", "x" * 100_000))
    assert "a record must be shorter than 16 MiB" in refused(
        tmp_path, "b.csv", HEADER + ROW.replace("food", "x" * (40 << 20))
    )


def test_a_gzip_file_that_grows_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(read_limits, "SMALL", 1 << 20)
    content = gzip.compress((HEADER + ROW * 300_000).encode())
    assert "must expand to at most 200 times its size" in refused(tmp_path, "a.csv.gz", content)


def test_a_parquet_file_of_rows_that_are_all_alike(tmp_path):
    pq.write_table(table(3_000_000), tmp_path / "a.parquet", compression="zstd", row_group_size=3_000_000)
    assert "they repeat themselves" in refused(tmp_path, "a.parquet")


@pytest.mark.parametrize("store_schema", [True, False])
def test_a_category_of_a_megabyte_in_every_row(tmp_path, store_schema, monkeypatch):
    monkeypatch.setattr(child_reading, "CHILD_MEMORY", 512 << 20)
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(140_000, np.int32)), pa.array(["x" * 1_000_000]))
    pq.write_table(table(140_000, merchant_category=column), tmp_path / "a.parquet", store_schema=store_schema)
    message = refused(tmp_path, "a.parquet")
    assert "values of at most 65,536 bytes" in message or "of memory at once" in message


def test_types_nested_a_thousand_deep(tmp_path):
    deep = pa.int8()
    for _ in range(1_000):
        deep = pa.struct([("a", deep)])
    column = pa.nulls(3, deep)
    pq.write_table(table(3, merchant_category=column), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"cannot be read|must hold plain values"):
        ingested(tmp_path / "a.parquet")


@pytest.mark.parametrize("key", ["V{1..99999999999}", "V{1..20000}"])
def test_a_preset_that_names_columns_without_end(tmp_path, key):
    (tmp_path / "a.csv").write_text(HEADER + ROW)
    preset = f'event_time={{column="t"}}\namount={{column="a"}}\nlabel={{column="l"}}\n[[numeric]]\ncolumns=["{key}"]\n'
    (tmp_path / "p.toml").write_text(preset)
    with pytest.raises(InputError, match="a range must stand for at most 10,000 columns"):
        ingested(tmp_path / "a.csv", preset=str(tmp_path / "p.toml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [("a = " + "[" * 100_000, "is nested too deeply"), ("#" * (1 << 20) + "#", "must have at most 1,048,576 bytes")],
)
def test_a_preset_file_that_is_a_bomb_itself(tmp_path, content, message):
    (tmp_path / "p.toml").write_text(content)
    assert message in refused(tmp_path, "a.csv", HEADER + ROW, preset=str(tmp_path / "p.toml"))
