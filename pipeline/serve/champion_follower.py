"""A process beside the server that follows an alias of the registry and has what it names put in place.

It is a process of its own because MLflow is large and slow to ask: the one that answers payments loads none of it. The
server believes nothing that comes from here: it checks every bundle itself.
"""

import argparse
import http.client
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.config import Config, load_config
from pipeline.process.terminal import print_line
from pipeline.registry.model_registry import Version, opened_registry

TIMEOUT = 120.0
"""Seconds that a swap may take."""


def followed_once(
    config: Config, alias: str, seen: str, *, runs: Path, swap: Callable[[Path, Version], str]
) -> tuple[str, str]:
    """Look at an alias, and hand on the bundle that it names where that is another than the one seen last.

    Args:
        config: which says where the registry is.
        alias: such as champion.
        seen: SHA-256 of the manifest of the bundle that was handed on last, or answers.
        runs: where the registry is where the configuration does not say.
        swap: has a bundle put in place, and says what became of it.

    Returns:
        What has been seen now, and what was said; "" where nothing changed.
    """
    with opened_registry(config.tracking, name=config.registry.name, runs=runs) as registry:
        version = registry.aliased().get(alias)
        if version is None or version.manifest in ("", seen):
            return seen, ""
        with tempfile.TemporaryDirectory(prefix="harbor-") as folder:
            registry.fetch_bundle(version, Path(folder) / "bundle")
            return version.manifest, swap(Path(folder) / "bundle", version)


def swapped(admin: Path, bundle: Path, version: Version) -> str:
    """Ask a server, by its admin socket, to put a bundle in place; its answer."""
    connection = http.client.HTTPConnection("harbor", timeout=TIMEOUT)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(TIMEOUT)
        connection.sock.connect(str(admin))
        body = json.dumps({"bundle": str(bundle), "version": version.number})
        connection.request("POST", "/swap", body, {"content-type": "application/json"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def main() -> None:
    """Follow until the server is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("admin", "alias", "seen", "every", "runs"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--config")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    config, seen, parent = load_config(given.config, assignments=given.set), given.seen, os.getppid()
    while os.getppid() == parent:
        try:
            seen, _ = followed_once(
                config, given.alias, seen, runs=Path(given.runs), swap=lambda *each: swapped(Path(given.admin), *each)
            )
        except Exception as error:  # a registry that cannot be asked now is asked again
            print_line(f"harbor: the registry could not be followed: {type(error).__name__}")
        time.sleep(float(given.every))


if __name__ == "__main__":
    main()
