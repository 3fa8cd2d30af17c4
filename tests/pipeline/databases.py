"""A PostgreSQL server of its own for a test: a fresh cluster on loopback, run by a user that is not root."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

USER, PASSWORD, DATABASE = "harbor", "s3cr3t-of-the-database", "mlflow"


class Postgres:
    """A cluster that can be stopped and started again.

    Attributes:
        uri: MLflow's tracking URI; the password is not in it.
        environment: what a client needs beside it.
    """

    def __init__(self, tools: Path, folder: Path, port: int) -> None:
        self._tools, self._folder = tools, folder
        self.uri = f"postgresql+psycopg2://{USER}@127.0.0.1:{port}/{DATABASE}"
        self.environment = {"PGPASSWORD": PASSWORD}
        self._settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"

    def create(self) -> None:
        """Make the cluster, start it and make the database."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        _own(secret)
        options = ("--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync")
        self._call("initdb", "-D", self._data, "-U", USER, *options)
        self.start()
        port = self.uri.rpartition(":")[2].partition("/")[0]
        self._call("createdb", "-h", "127.0.0.1", "-p", port, "-U", USER, DATABASE)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        log = self._folder / "log"
        self._call("pg_ctl", "-D", self._data, "-l", str(log), "-o", self._settings, "-w", "start")

    def stop(self) -> None:
        """Stop the server at once, clients or not."""
        self._call("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _call(self, tool: str, *arguments: str) -> None:
        line = [*_as_another_user(), str(self._tools / tool), *arguments]
        variables = {**os.environ, **self.environment, "LC_ALL": "C"}
        subprocess.run(line, check=True, env=variables, cwd=self._folder, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server with an empty database; skips the test where PostgreSQL is not installed."""
    tools = _tools()
    if tools is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed (the extra `postgres`)")
    with (
        tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        _own(Path(folder))
        server = Postgres(tools, Path(folder), port)
        server.create()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop()


def _tools() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda each: int(each.parts[-3]))
    beside = shutil.which("pg_ctl")
    return found[-1].parent if found else Path(beside).parent if beside else None


def _as_another_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
