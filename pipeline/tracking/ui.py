"""The MLflow UI on the configured store."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from pipeline.sections import TrackingConfig
from pipeline.storage.errors import InputError
from pipeline.tracking.mlflow_store import sqlite_file, store_uri

GRACE = 5.0


def serve_ui(config: TrackingConfig, *, runs: Path, port: int, say: Callable[[str], None]) -> int:
    """Serve the UI on the loopback address until SIGINT or SIGTERM; the exit code, 0 when it was told to end.

    One worker without MLflow's job runners: two processes, not ten. A store that is a server already has its own UI.

    Args:
        config: the store.
        runs: folder of the runs, which holds the store where none is configured.
        port: port on 127.0.0.1.
        say: where the address is told.

    Raises:
        InputError: there is no store yet.
        OSError: another program has the port.
    """
    uri = store_uri(config, runs=runs)
    if uri.startswith(("http://", "https://")):
        say(f"tracking.uri is an MLflow server, with a UI of its own: {uri}")
        return 0
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        place = uri if config.uri else f"{runs}/mlflow.db"
        raise InputError(f"harbor ui must find a tracking store, but there is no {place}: has a run been made here?")
    _check_free(port)
    say(f"MLflow UI on http://127.0.0.1:{port}{_runs_page(file, config.experiment)} until Ctrl-C")
    return _serve(_command(uri, port))


def _runs_page(store: Path | None, experiment: str) -> str:
    """Where the UI shows the runs of an experiment, for it opens on another page; empty where that cannot be told."""
    if store is None:
        return ""
    try:
        with contextlib.closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT experiment_id FROM experiments WHERE name = ?", (experiment,)).fetchone()
    except sqlite3.Error:
        return ""
    return f"/#/experiments/{found[0]}/runs" if found else ""


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port whose last server just ended is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise OSError(
                f"harbor ui needs port {port} on 127.0.0.1, but it cannot have it ({error.strerror}); "
                "give another one with --port"
            ) from None
        except OverflowError:
            raise InputError(f"--port must be from 0 to 65535, got {port}") from None


def _command(uri: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [*command, "--uvicorn-opts", "--log-level warning"]


def _serve(command: list[str]) -> int:
    """Run a server in a process group of its own, so that a signal to us ends all of it and leaves no orphan."""
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    asked_to_end = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked_to_end
        asked_to_end = True
        _signal_group(server, signal.SIGTERM)

    server = subprocess.Popen(command, env=environment, start_new_session=True)
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while True:
            try:
                code = server.wait(timeout=GRACE if asked_to_end else 1.0)
            except subprocess.TimeoutExpired:
                if asked_to_end:
                    _signal_group(server, signal.SIGKILL)
            else:
                return 0 if asked_to_end else code
    finally:
        _signal_group(server, signal.SIGKILL)
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal_group(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(server.pid, number)
    except ProcessLookupError:
        return
