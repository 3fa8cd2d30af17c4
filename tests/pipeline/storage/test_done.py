"""DONE says what a stage left, and whether it still stands."""

import pytest

from pipeline.storage.done import changed_files, read_done, write_done


@pytest.mark.parametrize("change", ["edit", "remove", "add"])
def test_done_notices_every_change_of_its_files(tmp_path, change):
    (tmp_path / "a").write_text("1")
    write_done(tmp_path, fingerprint="f", details={"seconds": 1})
    done = read_done(tmp_path)
    assert done is not None
    assert changed_files(tmp_path, done) == []
    if change == "edit":
        (tmp_path / "a").write_text("2")
    elif change == "remove":
        (tmp_path / "a").unlink()
    else:
        (tmp_path / "b").write_text("1")
    assert changed_files(tmp_path, done) == ["b" if change == "add" else "a"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": 1}'])
def test_a_torn_done_counts_as_none(tmp_path, content):
    (tmp_path / "DONE").write_text(content)
    assert read_done(tmp_path) is None
