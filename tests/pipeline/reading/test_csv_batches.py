"""Records of a CSV file keep the numbers that an editor would give them, whatever is broken between them."""

import gzip

import pytest

from pipeline.reading import csv_batches as module
from pipeline.reading.csv_batches import csv_batches, csv_names
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source


def read(file, columns=("a",)):
    """Good records by number, broken ones by number, and the lines that began no record."""
    batches = list(csv_batches(file, columns, ","))
    good = {
        int(row): tuple(record.values())
        for batch in batches
        for row, record in zip(batch.row, batch.table.to_pylist(), strict=True)
    }
    return good, {number: reason for batch in batches for number, reason in batch.broken}, batches[-1].spare_lines


def test_values_are_bytes_as_they_stand_in_the_file(tmp_path):
    good, broken, spare = read(source(tmp_path, "a,b\n0001,NA\n,é\n"), ("a", "b"))
    assert good == {1: (b"0001", b"NA"), 2: (b"", "é".encode())}
    assert (broken, spare) == ({}, 0)


@pytest.mark.parametrize("block", [24, 64, 1 << 20])
def test_broken_records_keep_their_numbers_and_shift_no_other(tmp_path, monkeypatch, block):
    monkeypatch.setattr(module, "CSV_BLOCK_BYTES", block)
    lines = [f"{n},x" if n % 3 else f"{n}" for n in range(1, 41)]
    good, broken, _ = read(source(tmp_path, "\n".join(["a,b", *lines]) + "\n"))
    assert good == {n: (str(n).encode(),) for n in range(1, 41) if n % 3}
    assert broken == {n: "record: must have 2 fields" for n in range(3, 41, 3)}


def test_blank_lines_and_breaks_inside_quotes_are_counted_as_lines_without_a_record(tmp_path):
    good, broken, spare = read(source(tmp_path, 'a,b\n1,"x\ny"\n\n2,z\n'))
    assert (list(good), broken, spare) == ([1, 2], {}, 2)


def test_a_last_line_without_an_end_is_no_record(tmp_path):
    good, broken, _ = read(source(tmp_path, "a,b\n1,2\n3,4"))
    assert list(good) == [1]
    assert broken == {2: "record: must end in a line break, the file may have been cut here"}


@pytest.mark.parametrize("tail", ['2,"open\n3,4\n', '2,"open\n3,4', '"2,3\n4,5\n'])
def test_a_quote_that_never_closes_is_refused(tmp_path, tail):
    with pytest.raises(InputError, match=r"data\.csv: every quoted value must be closed"):
        read(source(tmp_path, "a,b\n1,2\n" + tail))


def test_a_compressed_file_reads_like_the_plain_one(tmp_path):
    content = b"a,b\n1,2\n3\n4,5\n"
    assert read(source(tmp_path, gzip.compress(content), "data.csv.gz")) == read(source(tmp_path, content))


def test_names_come_as_often_as_they_stand_in_the_header(tmp_path):
    assert csv_names(source(tmp_path, "b,a,b\n1,2,3\n"), ",") == ["b", "a", "b"]
