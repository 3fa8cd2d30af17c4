"""`harbor score`: a file of feature rows becomes a file of probabilities, or a message that says what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from pipeline.bundle.score import score_file
from tests.oracles.python_path import Small


def write_rows(case: Small, path: Path) -> None:
    table = case.table.drop_columns(["label"])
    rows = [{name: None if value != value else value for name, value in row.items()} for row in table.to_pylist()]
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pacsv.write_csv(pa.Table.from_pylist(rows, schema=table.schema), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("kind", [".parquet", ".csv", ".jsonl"])
def test_a_file_of_features_scores_as_the_python_path_does(
    case: Small, bundle: Path, tmp_path: Path, kind: str
) -> None:
    write_rows(case, tmp_path / f"rows{kind}")
    out = tmp_path / "scores.parquet"
    assert score_file(bundle, tmp_path / f"rows{kind}", out) == 1500
    scores = pq.read_table(out)
    assert scores.column_names == ["transaction_id", "probability", *case.parts.candidates]
    assert [str(each) for each in scores["transaction_id"].to_pylist()] == [str(i) for i in range(1500)]
    for name, expected in case.expected().items():
        np.testing.assert_allclose(scores[name].to_numpy(), expected, atol=1e-5)


def test_scores_can_be_csv(case: Small, bundle: Path, tmp_path: Path) -> None:
    pq.write_table(case.table.slice(0, 3), tmp_path / "rows.parquet")
    score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.csv")
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert lines[0].startswith('"transaction_id","probability"')
    assert len(lines) == 4


def test_no_rows_give_no_scores_under_the_same_columns(case: Small, bundle: Path, tmp_path: Path) -> None:
    pq.write_table(case.table.slice(0, 0), tmp_path / "rows.parquet")
    assert score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.parquet") == 0
    assert pq.read_table(tmp_path / "scores.parquet").column_names[:2] == ["transaction_id", "probability"]


def test_wrong_columns_are_refused_at_once_and_nothing_is_written(case: Small, bundle: Path, tmp_path: Path) -> None:
    pq.write_table(case.table.drop_columns(["number_2", "category_0"]), tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match=r"2 of the graph's 8 columns missing in .*'number_2', 'category_0'"):
        score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.parquet")
    assert not (tmp_path / "scores.parquet").exists()


def test_columns_of_the_wrong_type_are_refused_without_their_values(case: Small, bundle: Path, tmp_path: Path) -> None:
    table = case.table.slice(0, 2)
    place = table.schema.get_field_index("number_1")
    table = table.set_column(place, "number_1", pa.array(["secret", "1"]))
    table = table.set_column(table.schema.get_field_index("number_3"), "number_3", pa.array([1.0, np.inf]))
    pq.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(
        ValueError, match=r"(?s)2 faults.*'number_1': must be numbers, got string.*'number_3': must be finite"
    ) as caught:
        score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.parquet")
    assert "secret" not in str(caught.value)


def test_a_csv_whose_numbers_are_words_is_refused(case: Small, bundle: Path, tmp_path: Path) -> None:
    names = [*case.parts.numeric, *case.parts.categorical]
    (tmp_path / "rows.csv").write_text(",".join(names) + "\n" + ",".join(["EUR 12"] * len(names)) + "\n")
    with pytest.raises(
        ValueError, match=r"'number_0': must be numbers, got binary that is none in 1 rows, first in row 1"
    ):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / "scores.parquet")


def test_lines_that_never_name_a_column_lack_it(case: Small, bundle: Path, tmp_path: Path) -> None:
    rows = (
        case.table.slice(0, 3).select(["transaction_id", *case.parts.numeric[1:], *case.parts.categorical]).to_pylist()
    )
    lines = [json.dumps({name: value for name, value in row.items() if value == value}) for row in rows]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"columns missing in .*'number_0'"):
        score_file(bundle, tmp_path / "rows.jsonl", tmp_path / "scores.parquet")


def test_raw_transactions_are_shown_the_way(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("event_time,card_id\n2024-01-01T00:00:00Z,c1\n")
    with pytest.raises(ValueError, match="raw transactions need --transactions and --state in place of --input"):
        score_file(bundle, tmp_path / "raw.csv", tmp_path / "scores.parquet")


def test_a_column_that_stands_twice_is_refused(case: Small, bundle: Path, tmp_path: Path) -> None:
    names = [*case.parts.numeric, *case.parts.categorical, "number_0"]
    (tmp_path / "rows.csv").write_text(",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    with pytest.raises(ValueError, match=r"column names must differ, got twice: 'number_0'"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / "scores.parquet")


@pytest.mark.parametrize("name", ["rows.xlsx", "rows"])
def test_files_of_another_kind_are_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\.parquet, \.csv or \.jsonl"):
        score_file(bundle, tmp_path / name, tmp_path / "scores.parquet")
    with pytest.raises(ValueError, match=r"must go to a \.parquet or \.csv file"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / name)


def test_a_row_with_a_field_too_many_is_told_by_its_number_and_not_by_its_values(
    case: Small, bundle: Path, tmp_path: Path
) -> None:
    write_rows(case, tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    lines[4] += ",4929123412341234"
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"every row must be whole, row 4 is not: record: must have \d+ fields$"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / "scores.parquet")


def test_json_lines_with_a_mark_and_blank_lines_are_read(case: Small, bundle: Path, tmp_path: Path) -> None:
    write_rows(case, tmp_path / "rows.jsonl")
    text = (tmp_path / "rows.jsonl").read_text()
    (tmp_path / "rows.jsonl").write_text("\ufeff\n" + text)
    assert score_file(bundle, tmp_path / "rows.jsonl", tmp_path / "scores.parquet") == 1500


def test_scores_never_replace_their_rows(case: Small, bundle: Path, tmp_path: Path) -> None:
    write_rows(case, tmp_path / "rows.parquet")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match=r"scores must go to another file than the rows"):
        score_file(bundle, tmp_path / "rows.parquet", tmp_path / "link.parquet")


def test_scoring_loads_no_model_library(case: Small, bundle: Path, tmp_path: Path) -> None:
    write_rows(case, tmp_path / "rows.csv")
    code = """
import sys
from pathlib import Path
from pipeline.bundle.score import score_file
score_file(*map(Path, sys.argv[1:]))
print(*{name.partition(".")[0] for name in sys.modules})
"""
    line = [sys.executable, "-c", code, str(bundle), str(tmp_path / "rows.csv"), str(tmp_path / "scores.csv")]
    loaded = set(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split())
    assert {"onnxruntime", "pipeline"} <= loaded
    assert not loaded & {"torch", "xgboost", "sklearn", "scipy", "numba", "mlflow", "matplotlib"}
