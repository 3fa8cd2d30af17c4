"""Some rows of files, evenly."""

import pytest

from pipeline.inspection.row_sample import BATCHES, ROWS_OF_BATCH, row_sample
from pipeline.inspection.text_form import TextForm
from pipeline.reading.sources import source_files
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source


def test_a_small_file_is_taken_whole_and_blank_is_null(tmp_path):
    sample = row_sample([source(tmp_path, "a,b\n1,x\n 2 ,\n")], TextForm())
    assert sample.rows == 2
    assert sample.texts["a"].to_pylist() == ["1", "2"]
    assert sample.texts["b"].to_pylist() == ["x", None]


def test_of_a_large_file_rows_from_its_beginning_to_its_end_are_taken(tmp_path):
    content = "a,b\n" + "".join(f"{row},x\n" for row in range(100_000))
    sample = row_sample([source(tmp_path, content)], TextForm())
    rows = [int(each) for each in sample.texts["a"].to_pylist()]
    assert 1_000 < len(rows) <= BATCHES * ROWS_OF_BATCH
    assert (rows[0], rows[-1]) == (0, 99_999)


def test_a_file_without_a_header_is_refused_without_showing_its_row(tmp_path):
    with pytest.raises(InputError, match="must begin with a header") as refused:
        row_sample([source(tmp_path, "4539578763621486,12.5\n1,2\n")], TextForm())
    assert "4539" not in str(refused.value)


def test_files_of_two_kinds_are_refused_by_what_differs(tmp_path):
    source(tmp_path, "a,b\n1,2\n", "one.csv")
    source(tmp_path, "a,c\n1,2\n", "two.csv")
    with pytest.raises(InputError, match="'b', 'c'"):
        row_sample(source_files(str(tmp_path / "*.csv")), TextForm())


def test_a_header_alone_is_no_data(tmp_path):
    with pytest.raises(InputError, match="must hold rows"):
        row_sample([source(tmp_path, "a,b\n")], TextForm())
