"""Object stores on loopback: moto's S3 server and an emulator of Google's, each a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping

SECRET = "s3cr3t-of-the-tests"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIATESTING",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def put(url: str) -> None:
    """Create a bucket on a server on loopback, whatever proxy the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method="PUT"), timeout=10):
        pass


@contextlib.contextmanager
def serving(*command: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a server that a command starts; `{port}` in it stands for a free one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [part.format(port=port) for part in command]
    variables = {**os.environ, **(environment or {})}
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=variables)
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def s3_server(*, checks_credentials: bool = False) -> Iterator[str]:
    """The address of an S3 server with an empty bucket `harbor`; one that checks credentials knows none."""
    line = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}")
    environment = {"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if checks_credentials else None
    with serving(*line, environment=environment) as address:
        put(f"{address}/harbor")
        yield address


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {process.args!r}")
