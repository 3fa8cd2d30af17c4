"""Logs as JSON lines, for machines that collect them: one object a line on standard error, whoever wrote it.

`HARBOR_LOG_FORMAT=json` asks for them. Every record has `time`, `level`, `event` and `message`; those of a stage have
`stage`, and `seconds` or how far it has come; the last one has the exit code. Results stay on standard output.
"""

import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from pipeline.process.reporter import PLAIN_INTERVAL
from pipeline.storage.errors import InputError
from pipeline.storage.masking import masked, masked_values
from pipeline.storage.visible_text import HIDDEN, shortened

FORMAT = "HARBOR_LOG_FORMAT"


def wants_json(environment: Mapping[str, str]) -> bool:
    """Whether logs are asked for as JSON lines.

    Raises:
        InputError: the variable holds something that is no format.
    """
    form = environment.get(FORMAT, "") or "text"
    if form not in ("text", "json"):
        raise InputError(f"{FORMAT} must be text or json, got {form!r}")
    return form == "json"


def log_line(level: str, event: str, text: str, **fields: object) -> str:
    """One record, without a line break; passwords, card numbers and e-mail addresses are masked wherever they stand."""
    from pipeline.storage.content import json_ready

    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record = {"time": now, "level": level, "event": event, "message": text, **fields}
    return json_text(masked_values(json_ready(record)))


def json_text(value: object) -> str:
    """A value as one line of JSON that can be shown: a hidden character stands as its number, a long text is cut."""
    line = json.dumps(_cut_texts(value), ensure_ascii=False, default=lambda each: shortened(masked(str(each))))
    return HIDDEN.sub(_json_number, line)


def print_record(line: str, stream: TextIO) -> None:
    """Write a record to a log."""
    print(line, file=stream, flush=True)


def _cut_texts(value: object) -> object:
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, dict):
        return {shortened(str(key)): _cut_texts(each) for key, each in value.items()}
    return [_cut_texts(each) for each in value] if isinstance(value, list) else value


def _json_number(found: re.Match[str]) -> str:
    """A character as JSON writes it by number; half of a pair, which stands for nothing, as the mark for that."""
    code = ord(found[0])
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


class JsonReporter:
    """Everything a job says, as records; progress at most every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage: str | None = None
        self._last = 0.0

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        self._write("info", event, " ".join(text.split()), fields)

    def warn(self, text: str) -> None:
        self._write("warning", "message", text.strip(), {})

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        if time.monotonic() - self._last >= PLAIN_INTERVAL:
            self._last = time.monotonic()
            self._write("info", "progress", note, {"done": done, "total": total})

    @contextmanager
    def stage(self, name: str, place: str = "") -> Iterator[None]:
        self._stage, self._last = name, time.monotonic()
        began = time.monotonic()
        self._write("info", "stage_started", "", {"place": place} if place else {})
        try:
            yield
        except BaseException as error:  # said here with its stage; the command's last record says what it was
            self._write("error", "stage_failed", type(error).__name__, {"seconds": round(time.monotonic() - began, 3)})
            raise
        finally:
            self._stage = None

    def _write(self, level: str, event: str, text: str, fields: Mapping[str, object]) -> None:
        stage = {"stage": self._stage} if self._stage is not None else {}
        print_record(log_line(level, event, text, **{**stage, **fields}), self._stream)


def capture_libraries(stream: TextIO) -> None:
    """Send what libraries log and warn of down the same stream as records; from here on, for the whole process."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Records())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    os.environ["MLFLOW_CONFIGURE_LOGGING"] = "false"  # else it writes its own plain lines past the root logger


class _Records(logging.Formatter):
    """A library's log record as a line."""

    def format(self, record: logging.LogRecord) -> str:
        trace = {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}
        return log_line(record.levelname.lower(), "library", record.getMessage(), logger=record.name, **trace)
