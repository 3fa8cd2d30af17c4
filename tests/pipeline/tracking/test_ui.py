"""The UI's server: refused without a store, and gone with all it started when told to end."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from pipeline.sections import TrackingConfig
from pipeline.tracking.ui import _runs_page, serve_ui

PARENT = """
import sys
from pipeline.tracking.ui import _serve
child = "import os, subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
child += "; open(sys.argv[1] + '.new', 'w').write(str(p.pid)); os.rename(sys.argv[1] + '.new', sys.argv[1])"
child += "; time.sleep(60)"
sys.exit(_serve([sys.executable, "-c", child, sys.argv[1]]))
"""


def test_without_a_store_there_is_nothing_to_show(tmp_path):
    with pytest.raises(ValueError, match=r"must find a tracking store, but there is no .*mlflow\.db"):
        serve_ui(TrackingConfig(), runs=tmp_path, port=5000, say=print)


def test_a_port_that_another_program_has_is_told_before_any_server_is_started(tmp_path):
    (tmp_path / "mlflow.db").touch()
    said = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=rf"needs port {port} on 127.0.0.1.* --port") as refused:
            serve_ui(TrackingConfig(), runs=tmp_path, port=port, say=said.append)
    assert (refused.value.errno, said) == (None, [])
    with pytest.raises(ValueError, match="from 0 to 65535, got 70000"):
        serve_ui(TrackingConfig(), runs=tmp_path, port=70_000, say=said.append)


def test_the_address_is_of_the_page_with_the_runs(tmp_path):
    store = tmp_path / "mlflow.db"
    assert _runs_page(store, "harbor") == ""
    with contextlib.closing(sqlite3.connect(store)) as database:
        database.execute("CREATE TABLE experiments (experiment_id INTEGER, name TEXT)")
        database.execute("INSERT INTO experiments VALUES (0, 'Default'), (7, 'harbor')")
        database.commit()
    assert _runs_page(store, "harbor") == "/#/experiments/7/runs"
    assert (_runs_page(store, "other"), _runs_page(None, "harbor")) == ("", "")


def test_a_store_that_is_a_server_has_its_own_ui(tmp_path):
    said = []
    assert serve_ui(TrackingConfig(uri="http://mlflow.example"), runs=tmp_path, port=5000, say=said.append) == 0
    assert said == ["tracking.uri is an MLflow server, with a UI of its own: http://mlflow.example"]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_its_children_quietly(tmp_path, told):
    note = tmp_path / "pid"
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(note)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(told)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")
    assert not _alive(int(note.read_text()))


def _alive(pid):
    """Whether a process still runs; one that waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
