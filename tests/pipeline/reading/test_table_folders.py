"""Files of a table are not its rows, and whoever asks for them is told what to ask for."""

import pytest

from pipeline.reading.sources import source_files
from pipeline.reading.table_folders import part_of_table


def laid_out(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"PAR1")


@pytest.mark.parametrize("asked", ["tx/*.parquet", "tx/**/*.parquet", "tx/day=1/*.parquet", "tx/a.parquet", "tx"])
def test_a_path_into_a_delta_table_is_refused_with_its_address(tmp_path, asked):
    laid_out(tmp_path / "tx", "_delta_log/0.json", "a.parquet", "day=1/b.parquet")
    with pytest.raises(ValueError, match=f"is part of a Delta table; read it as delta://{tmp_path}/tx"):
        source_files(str(tmp_path / asked))


def test_a_pattern_that_takes_in_a_table_among_others_is_refused_too(tmp_path):
    laid_out(tmp_path, "plain/a.parquet", "tx/_delta_log/0.json", "tx/a.parquet")
    with pytest.raises(ValueError, match=f"delta://{tmp_path}/tx"):
        source_files(f"{tmp_path}/*/*.parquet")


def test_files_of_an_iceberg_table_are_refused_with_the_form_of_its_address(tmp_path):
    laid_out(tmp_path / "tx", "metadata/v1.metadata.json", "data/a.parquet")
    with pytest.raises(ValueError, match=r"Iceberg table \(tx\).*iceberg://CATALOG"):
        source_files(f"{tmp_path}/tx/data/*.parquet")


def test_folders_of_files_are_no_table(tmp_path):
    laid_out(tmp_path, "day=1/a.parquet", "day=2/a.parquet", "metadata/notes.json")
    assert part_of_table(tmp_path / "day=1") == ""
    assert [file.name for file in source_files(f"{tmp_path}/day=*/*.parquet")] == ["day=1/a.parquet", "day=2/a.parquet"]
