"""How long requests to MLflow may take, for the whole process: an environment and loggers that all threads share.

MLflow reads its limits from the environment at each request, so two threads that each set them and put back what they
found would leave one another's values behind. Here users are counted: the first one in keeps what it found, the last
one out puts it back, and nobody in between takes the limits from under another.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator

LOGGERS = ("mlflow", "alembic", "urllib3")


class RequestLimits:
    """The limits of everybody inside; one object a process, since there is one environment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timeouts: list[int] = []
        self._environment: dict[str, str | None] = {}
        self._levels: dict[str, int] = {}

    @contextlib.contextmanager
    def held(self, timeout: int) -> Iterator[None]:
        """Requests end within `timeout` seconds, or sooner where another inside asked for less, and are sent once."""
        with self._lock:
            if not self._timeouts:
                self._keep()
            self._timeouts.append(timeout)
            self._set()
        try:
            yield
        finally:
            with self._lock:
                self._timeouts.remove(timeout)
                if self._timeouts:
                    self._set()
                else:
                    self._put_back()

    def _limits(self) -> dict[str, str]:
        return {
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(min(self._timeouts, default=0)),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_LOGGING_LEVEL": "ERROR",
        }

    def _keep(self) -> None:
        self._environment = {name: os.environ.get(name) for name in self._limits()}
        self._levels = {name: logging.getLogger(name).level for name in LOGGERS}

    def _set(self) -> None:
        os.environ.update(self._limits())
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)

    def _put_back(self) -> None:
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
