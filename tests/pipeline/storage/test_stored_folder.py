"""A folder in a store is brought whole or not at all."""

import json

import pytest

from pipeline.storage.done import DONE, write_done
from pipeline.storage.object_store import opened
from pipeline.storage.stored_folder import Marker, bring_folder, listed_files, send_folder


@pytest.fixture
def place(tmp_path):
    return opened(f"file://{tmp_path / 'store'}").child("folder")


@pytest.fixture
def sent(tmp_path, place):
    local = tmp_path / "here"
    (local / "deep").mkdir(parents=True)
    (local / "rows").write_bytes(b"1,2,3")
    (local / "deep" / "more").write_bytes(b"4,5")
    write_done(local, fingerprint="f", details={})
    marker = Marker(DONE, (local / DONE).read_bytes())
    send_folder(local, place, marker)
    return marker


def test_what_was_sent_comes_back(tmp_path, place, sent):
    assert bring_folder(place, tmp_path / "there", sent, listed_files(sent.content))
    found = {str(path.relative_to(tmp_path / "there")) for path in (tmp_path / "there").rglob("*") if path.is_file()}
    assert found == {DONE, "rows", "deep/more"}
    assert (tmp_path / "there" / "deep" / "more").read_bytes() == b"4,5"


@pytest.mark.parametrize("content", [b"1,2,4", None])
def test_a_file_that_is_another_or_gone_brings_nothing(tmp_path, place, sent, content):
    place.child("rows").remove() if content is None else place.child("rows").put(content)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "older").write_bytes(b"stays")
    assert not bring_folder(place, tmp_path / "there", sent, listed_files(sent.content))
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["older"]


@pytest.mark.parametrize("name", ["../out", "/out", ""])
def test_a_marker_cannot_name_a_file_elsewhere(tmp_path, place, sent, name):
    marker = Marker(DONE, json.dumps({"files": {name: {"sha256": ""}}}).encode())
    assert not bring_folder(place, tmp_path / "there", marker, listed_files(marker.content))
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"files": 3}', b'{"files": {"rows": 1}}'])
def test_a_marker_that_is_no_marker_brings_nothing(tmp_path, place, sent, content):
    assert not bring_folder(place, tmp_path / "there", Marker(DONE, content), listed_files(content))


def test_one_who_may_no_longer_write_leaves_no_marker(tmp_path, place, sent):
    def refused():
        raise PermissionError("another machine holds it")

    with pytest.raises(PermissionError, match="another machine"):
        send_folder(tmp_path / "here", place, sent, check=refused)
    assert DONE not in place.files()
