"""A kill costs the line it cut short and no other."""

import pytest

from pipeline.storage.json_lines import BLOCK, append_lines, read_objects, whole_lines


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "lines.jsonl"


def test_objects_come_back_in_order(path):
    append_lines(path, {"a": 1}, {"b": "é\n"})
    append_lines(path, {"c": None})
    assert list(read_objects(path)) == [{"a": 1}, {"b": "é\n"}, {"c": None}]


def test_a_file_that_is_not_there_holds_no_lines(path):
    assert whole_lines(path) == []


@pytest.mark.parametrize("torn", [b"{", b'{"b": 2}', b'{"b": "\xc3', b'{"b": "' + b"x" * 3 * BLOCK])
def test_a_torn_last_line_is_left_out_and_the_next_one_stands_alone(path, torn):
    append_lines(path, {"a": 1})
    with path.open("ab") as stream:
        stream.write(torn)
    assert list(read_objects(path)) == [{"a": 1}]
    append_lines(path, {"c": 3})
    assert list(read_objects(path)) == [{"a": 1}, {"c": 3}]


def test_a_file_of_one_torn_line_begins_anew(path):
    path.parent.mkdir()
    path.write_bytes(b'{"a"')
    append_lines(path, {"a": 1})
    assert path.read_bytes() == b'{"a": 1}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [(b'{"a": ', "line 2 cannot be read"), (b"17", "got int in line 2"), (b"\xff", "line 2 cannot")],
)
def test_a_broken_line_in_the_middle_is_named_with_its_file(path, line, message):
    append_lines(path, {"a": 1})
    path.write_bytes(path.read_bytes() + line + b'\n{"c": 3}\n')
    with pytest.raises(ValueError, match=rf"lines.jsonl must hold a JSON object a line.*{message}"):
        list(read_objects(path))
