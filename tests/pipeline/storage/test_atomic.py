"""Files and folders appear whole or not at all."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.storage.atomic import replaced_folder, restore_interrupted
from pipeline.storage.content import write_json


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
