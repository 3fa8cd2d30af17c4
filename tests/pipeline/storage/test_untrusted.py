"""Files of unknown origin: no link is followed, no pipe waited for, nothing believed."""

import os

import pytest

from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json, plain_checksum, plain_content, plain_files, shown_name


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "plain").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("below/plain")
    (tmp_path / "outside").symlink_to("/", target_is_directory=True)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize("name", ["link", "outside", "pipe", "below", "gone"])
def test_only_a_plain_file_is_read(folder, name):
    with pytest.raises(InputError, match=f"{name} must be a plain file"):
        plain_content(folder / name, limit=10)


def test_a_file_is_read_up_to_its_limit_and_no_further(folder):
    assert plain_content(folder / "below" / "plain", limit=5) == b"12345"
    with pytest.raises(InputError, match="must have at most 4 bytes, got more"):
        plain_content(folder / "below" / "plain", limit=4)


def test_a_folder_lists_plain_files_and_refuses_everything_else(folder):
    sizes, faults = plain_files(folder)
    assert sizes == {"below/plain": 5}
    assert faults == [
        "'link': must be a plain file, is a link",
        "'outside': must be a plain file, is a link",
        "'pipe': must be a plain file, is none",
    ]


def test_a_link_has_no_checksum(folder):
    assert plain_checksum(folder / "below" / "plain").startswith("5994471abb01112a")  # sha256sum of "12345"
    with pytest.raises(OSError, match="link"):
        plain_checksum(folder / "link")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": 1, "a": 2}', "a key stands twice in one object"),
        (b'{"a": NaN}', "a number that JSON does not know"),
        (b'{"a": 4111111111111111', "cannot be parsed at line 1, column 23"),
        (b"\xff", "it is not UTF-8"),
        (b"[" * 200_000, "it is nested too deeply"),
    ],
)
def test_json_that_is_not_strict_is_refused_without_being_repeated(content, reason):
    with pytest.raises(InputError, match=f"x.json must be strict JSON, but .*{reason}") as caught:
        parsed_json(content, name="x.json")
    assert "4111" not in str(caught.value)


def test_strict_json_comes_back():
    assert parsed_json(b'{"a": [1.5, null, "\xc3\xa9"]}', name="x.json") == {"a": [1.5, None, "é"]}


def test_a_foreign_name_is_shown_without_what_a_terminal_would_act_on():
    assert shown_name("a\x1b[31m\n") == r"'a\x1b[31m\n'"
    assert len(shown_name("x" * 500)) < 90
