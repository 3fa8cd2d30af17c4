import json

import numpy as np
import pyarrow as pa
import pytest

from pipeline.state.history_state import history_state, id_keys
from pipeline.state.state_files import (
    check_same_features,
    checked_state,
    features_digest,
    state_place,
    write_next_state,
    write_state,
)
from pipeline.storage.errors import InputError
from tests.fixtures.changing_labels import random_changing_table
from tests.fixtures.online_logs import SPEC

KEYS, CONTENT = id_keys(None), {"hash_key_check": None, "key_column": None, "reading": {}}


@pytest.fixture(scope="module")
def history():
    table = random_changing_table(np.random.default_rng(3), rows=150, seconds=90).sort_by("event_time")
    return history_state(table, SPEC, keys=KEYS, key_column=None)


@pytest.fixture
def folder(history, tmp_path):
    (tmp_path / "state" / "preset").mkdir(parents=True)
    (tmp_path / "state" / "preset" / "preset.toml").write_text("[amount]")
    write_state(tmp_path / "state", history, features=SPEC.to_json(), content=CONTENT)
    return tmp_path / "state"


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_state_comes_back_as_it_was_and_the_same_state_is_the_same_bytes(history, folder, tmp_path):
    stored = checked_state(folder)
    again = stored.loaded(KEYS)
    assert again.state.digest() == history.state.digest() == stored.manifest["digest"]
    assert len(history.to_come) > 0
    for name in ("events", "old", "moment"):
        assert getattr(again.to_come, name).tolist() == getattr(history.to_come, name).tolist()
    write_next_state(tmp_path / "next", stored, again)
    assert files(tmp_path / "next") == files(folder)


def test_a_state_that_another_takes_the_place_of_goes_whole(history, folder):
    write_next_state(folder.with_name("other"), checked_state(folder), history)
    write_next_state(folder.with_name("other"), checked_state(folder), history)
    assert files(folder.with_name("other")) == files(folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["other", "state"]


@pytest.mark.parametrize("name", ["words.bin", "labels_to_come.bin", "features.json", "preset/preset.toml"])
def test_a_changed_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(InputError, match=rf"{name} must be as manifest.json lists it"):
        checked_state(folder).loaded(KEYS)


def test_another_specification_format_or_folder_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json must be a plain file"):
        checked_state(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    for change, said in (
        ({"format": 1}, "must be of format 2, got 1: build the state again with harbor state build"),
        ({"features_sha256": features_digest("{}")}, r"features\.json must be the one that manifest\.json speaks of"),
    ):
        (folder / "manifest.json").write_text(json.dumps(manifest | change))
        with pytest.raises(InputError, match=said):
            checked_state(folder)
    del manifest["reading"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="keys of one are missing"):
        checked_state(folder)


def test_a_bundle_of_other_columns_is_told_from_one_of_the_same(folder):
    stored = checked_state(folder)
    check_same_features(stored, SPEC.to_json().encode(), bundle="b")
    with pytest.raises(InputError, match=r"the columns of the bundle b, but their features\.json differ"):
        check_same_features(stored, SPEC.to_json().encode() + b"\n", bundle="b")


def test_arrays_are_low_byte_first(folder, history):
    words = np.frombuffer((folder / "words.bin").read_bytes(), "<i8")
    assert pa.array(words).equals(pa.array(history.state.words()))


@pytest.mark.parametrize("mark", ["signature.json", "words.bin", f"{0:020d}.seg"])
def test_a_state_is_not_written_into_a_bundle_a_state_or_a_log(tmp_path, mark):
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / mark).touch()
    with pytest.raises(InputError, match=r"must be written outside of bundles, states and logs, got .*inside"):
        state_place(tmp_path / "whole" / "further" / "inside")
    assert state_place(tmp_path / "beside") == (tmp_path / "beside").resolve()
