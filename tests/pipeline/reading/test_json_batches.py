"""Records of JSON lines: every value as it stands there, every fault alone."""

import pytest

from pipeline.reading import json_batches as module
from pipeline.reading.json_batches import json_batches, json_names
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source


def read(folder, content, columns=("id", "x"), rows=2):
    batches = list(json_batches(source(folder, content, "rows.jsonl"), columns, rows=rows))
    good = {
        int(row): tuple(record.values())
        for batch in batches
        for row, record in zip(batch.row, batch.table.to_pylist(), strict=True)
    }
    return good, {number: reason for batch in batches for number, reason in batch.broken}, batches[-1].spare_lines


def test_numbers_keep_every_digit_and_what_is_left_out_is_null(tmp_path):
    content = '{"id": 12345678901234567890, "x": 0.10}\n{"x": 1e400}\n{"id": null, "x": true}\n{"id": "07"}\n'
    good, broken, spare = read(tmp_path, content)
    assert good == {1: ("12345678901234567890", "0.10"), 2: (None, "1e400"), 3: (None, "true"), 4: ("07", None)}
    assert (broken, spare) == ({}, 0)


def test_a_mark_and_blank_lines_are_no_records(tmp_path):
    good, broken, spare = read(tmp_path, b"\xef\xbb\xbf\n" + b'{"id": 1}\n\n  \n{"id": 2}')
    assert (list(good), broken, spare) == ([1, 2], {}, 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1, 2]", "one JSON object on a line"),
        (b'{"id": 1', "one JSON object on a line"),
        (b'{"id": 1}{"id": 2}', "one JSON object on a line"),
        (b'{"id": {"n": 1}}', "plain values"),
        (b'{"id": 1, "id": 2}', "each name once"),
        (b'{"id": "\xff"}', "UTF-8 text"),
        (b'{"id": ' + b"[" * 100_000 + b"}", "nested so deeply"),
    ],
)
def test_a_broken_line_is_told_alone(tmp_path, line, reason):
    good, broken, _ = read(tmp_path, b'{"id": 1}\n' + line + b'\n{"id": 3}\n')
    assert list(good) == [1, 3]
    assert list(broken) == [2]
    assert reason in broken[2]


def test_what_nobody_asks_for_may_be_nested(tmp_path):
    assert read(tmp_path, '{"id": 1, "more": {"deep": [1]}}\n')[0] == {1: ("1", None)}


def test_names_are_those_of_all_records_in_the_order_in_which_they_come(tmp_path):
    file = source(tmp_path, '{"b": 1}\nbroken\n{"a": 2, "b": 1}\n', "rows.jsonl")
    assert json_names(file) == ["b", "a"]


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_batches_put_together_are_the_file(tmp_path, rows):
    content = "".join(f'{{"id": {n}}}\n' for n in range(1, 8))
    assert read(tmp_path, content, ("id",), rows)[0] == {n: (str(n),) for n in range(1, 8)}


def test_a_line_without_an_end_is_refused_by_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LINE_BYTES", 20)
    with pytest.raises(InputError, match=r"rows\.jsonl: a line must have at most 20 bytes, line 2 has more"):
        read(tmp_path, '{"id": 1}\n{"id": "' + "x" * 40 + '"}\n')
