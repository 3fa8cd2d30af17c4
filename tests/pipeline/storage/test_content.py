"""Files appear whole or not at all."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.storage.atomic import replaced_folder, restore_interrupted
from pipeline.storage.content import json_ready, read_table, write_json, write_table
from pipeline.storage.done import changed_files, read_done, write_done


def write_and_break(final):
    with replaced_folder(final) as out:
        (out / "a").write_text("new")
        raise RuntimeError("broken")


def test_a_failing_writer_leaves_the_earlier_folder_as_it_was(tmp_path):
    final = tmp_path / "stage"
    with replaced_folder(final) as out:
        (out / "a").write_text("old")
    with pytest.raises(RuntimeError, match="broken"):
        write_and_break(final)
    assert (final / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


def test_a_folder_moved_aside_by_a_killed_job_comes_back(tmp_path):
    (tmp_path / ".previous-train").mkdir()
    (tmp_path / ".partial-train").mkdir()
    (tmp_path / ".partial-77-config.json").write_text("torn")
    restore_interrupted(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_a_folder_moved_aside_goes_when_its_successor_stands(tmp_path):
    (tmp_path / ".previous-train").mkdir()
    (tmp_path / "train").mkdir()
    restore_interrupted(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


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


def test_one_flipped_byte_of_a_table_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, pa.table({"x": list(range(10_000))}))
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"t\.parquet must be a whole Parquet file"):
        read_table(path)


def test_the_same_table_gives_the_same_bytes(tmp_path):
    table = pa.table({"x": [1.5, None], "s": ["a", "b"]})
    for name in ("a", "b"):
        write_table(tmp_path / name, table)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_json_never_holds_what_other_readers_refuse():
    assert json_ready({"a": float("nan"), "b": (1, float("inf")), 3: {"c"}}) == {"a": None, "b": [1, None], "3": ["c"]}


WRITER = """
import sys
from pathlib import Path
from pipeline.storage.content import write_json
path = Path(sys.argv[1])
n = 0
while True:
    n += 1
    write_json(path, {"n": n, "filler": "x" * 200_000, "again": n})
"""


def test_a_killed_writer_never_leaves_a_torn_file(tmp_path):
    path = tmp_path / "state.json"
    write_json(path, {"n": 0, "again": 0})
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=Path.cwd())
        time.sleep(0.35)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = json.loads(path.read_text())
        assert content["n"] == content["again"]
    restore_interrupted(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]
