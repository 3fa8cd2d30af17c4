import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.reading.whole_table import file_columns, row_file, whole_table
from pipeline.storage.errors import InputError

CONTENT = {"rows.csv": "a,b\n1,x\n,y\n", "rows.jsonl": '{"a": 1, "b": "x"}\n{"b": "y"}\n'}


@pytest.mark.parametrize("name", CONTENT)
def test_text_is_given_as_it_stands(tmp_path, name):
    (tmp_path / name).write_text(CONTENT[name])
    file = row_file(tmp_path / name, "rows")
    assert file_columns(file) == ["a", "b"]
    found = whole_table(file, ["b", "a"])
    assert [str(each, "utf-8") if isinstance(each, bytes) else each for each in found["b"].to_pylist()] == ["x", "y"]
    assert found["a"].to_pylist()[0] in (b"1", "1")


def test_parquet_is_given_with_its_types_even_where_it_has_no_row(tmp_path):
    table = pa.table({"a": pa.array([], pa.int8()), "b": pa.array([], pa.string())})
    pq.write_table(table, tmp_path / "rows.parquet")
    assert whole_table(row_file(tmp_path / "rows.parquet", "rows"), ["a"]) == table.select(["a"])


def test_broken_rows_are_counted_and_the_first_is_named(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n2\n3,y,z\n")
    with pytest.raises(InputError, match=r"row 2 is not: record: must have 2 fields \(2 rows are broken\)$"):
        whole_table(row_file(tmp_path / "rows.csv", "rows"), ["a"])


@pytest.mark.parametrize(
    ("name", "said"), [("rows.xlsx", r".parquet, .csv or .jsonl file, got 'rows"), ("rows.csv", "file, but .* is none")]
)
def test_a_file_of_another_kind_or_of_none_is_refused(tmp_path, name, said):
    with pytest.raises(InputError, match=f"outcomes must be in a .*{said}"):
        row_file(tmp_path / name, "outcomes")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_file_with_another_separator_is_told_so_and_not_that_its_rows_are_broken(tmp_path, mark):
    (tmp_path / "rows.csv").write_text(f"a{mark}b\n1{mark}2,5\n")
    with pytest.raises(InputError, match=r"rows\.csv: must be separated by commas, but all of its header is one name"):
        file_columns(row_file(tmp_path / "rows.csv", "rows"))
