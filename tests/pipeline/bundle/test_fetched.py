"""A bundle by its address: a folder where it lies, a store's by names and sizes first."""

from pathlib import Path

import pytest

from pipeline.bundle import fetched
from pipeline.bundle.fetched import local_bundle
from pipeline.bundle.manifest import REQUIRED
from pipeline.storage.errors import InputError


class Folder:
    """A folder that stands for one in a store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fetched: list[str] = []

    def files(self) -> dict[str, object]:
        found = [path for path in self.path.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.path).as_posix(): type("Listed", (), {"size": path.stat().st_size}) for path in found
        }

    def child(self, name: str) -> "Folder":
        part = Folder(self.path / name)
        part.fetched = self.fetched
        return part

    def fetch(self, target: Path) -> None:
        self.fetched.append(self.path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.path.read_bytes())


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A bundle in a store, each file a byte."""
    for name in (*REQUIRED, "manifest.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    folder = Folder(tmp_path)
    monkeypatch.setattr(fetched, "opened", lambda _: folder)
    return folder


def test_a_folder_is_used_where_it_lies(tmp_path: Path) -> None:
    with local_bundle(str(tmp_path)) as plain, local_bundle(f"file://{tmp_path}") as addressed:
        assert plain == addressed == tmp_path


@pytest.mark.usefixtures("stored")
def test_a_stored_bundle_is_fetched_whole_and_gone_afterwards() -> None:
    with local_bundle("s3://harbor/bundle") as copy:
        names = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
        assert names == {*REQUIRED, "manifest.json"}
    assert not copy.exists()


@pytest.mark.usefixtures("stored")
def test_messages_name_the_address_and_not_the_copy() -> None:
    with (
        pytest.raises(InputError, match=r"^s3://harbor/bundle/model\.onnx is odd$"),
        local_bundle("s3://harbor/bundle") as copy,
    ):
        raise InputError(f"{copy}/model.onnx is odd")


def test_a_folder_without_a_manifest_is_no_bundle(stored: Folder) -> None:
    (stored.path / "manifest.json").unlink()
    with (
        pytest.raises(InputError, match=r"must be a folder with a manifest\.json, got s3://harbor/bundle"),
        local_bundle("s3://harbor/bundle"),
    ):
        pass
    assert stored.fetched == []


def test_foreign_files_are_all_counted_and_nothing_is_fetched(stored: Folder) -> None:
    for place in range(7):
        (stored.path / f"extra{place}.pkl").write_text("x")
    with (
        pytest.raises(InputError, match=r"(?s)^7 faults in the bundle s3://harbor/bundle\n.*and 2 more$"),
        local_bundle("s3://harbor/bundle"),
    ):
        pass
    assert stored.fetched == []
