"""How a command ends: its exit code, and one message, for a person or as the last record of a JSON log."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from pipeline.process.json_log import capture_libraries, log_line, print_record, wants_json
from pipeline.process.private_files import private_files
from pipeline.process.streams import lasting_streams, own_words
from pipeline.process.terminal import print_error, print_traceback, shown_text
from pipeline.storage.errors import INPUT_ERRORS, InputError, may_pass
from pipeline.storage.locks import LockedError
from pipeline.storage.masking import masked

USAGE: type[Any] = typer.BadParameter.__bases__[0]
"""A wrong option or argument: click's UsageError, or that of typer's own copy of click, which is another class."""


FOLDERS = ("features", "models", "evaluation", "pipeline")
INTERRUPTED = "interrupted; run the same command again to go on"
INTERRUPT_CODE = 130
"""What the library of the command line makes of a KeyboardInterrupt before anyone else sees it."""


class Exit(IntEnum):
    """What the process returns to its caller."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    REFUSED = 3
    LOCKED = 4


class InterruptedRunError(BaseException):
    """The process was told to end (SIGINT, SIGTERM); like KeyboardInterrupt it passes every `except Exception`."""


@dataclass(frozen=True)
class Ending:
    """What became of a command: its exit code, and what went wrong if something did."""

    code: int
    message: str = ""
    error: BaseException | None = None


def run_command(command: Callable[[], Any]) -> int:
    """Run a command as a process of its own; say any error once, and give the exit code.

    A traceback is shown where HARBOR_DEBUG is set. SIGTERM ends the command like a key press, so that what it was
    doing is closed in the journal and its locks are released. The exit code is that of the work: a terminal that cannot
    show a character, or a reader that went away, changes nothing of it.
    """
    began = time.monotonic()
    with lasting_streams():
        ending = ending_of(lambda: _prepared(command))
        if _json_lines():
            print_record(_last_record(ending, time.monotonic() - began), sys.stderr)
        else:
            _say(ending)
    return ending.code


def ending_of(command: Callable[[], Any]) -> Ending:
    """What became of a command, every error turned into its exit code and a message without numbers of cards."""
    try:
        outcome = command()
        if outcome == INTERRUPT_CODE:
            raise InterruptedRunError
        return Ending(int(outcome) if isinstance(outcome, int) else Exit.DONE)
    except typer.Exit as error:
        return Ending(int(error.exit_code))
    except USAGE as error:
        return Ending(Exit.BAD_INPUT, masked(error.format_message()), error)
    except LockedError as error:
        return Ending(Exit.LOCKED, masked(str(error)), error)
    except INPUT_ERRORS as error:
        return Ending(Exit.FAILED if may_pass(error) else Exit.BAD_INPUT, masked(str(error)), error)
    except (KeyboardInterrupt, InterruptedRunError, typer.Abort) as error:
        return Ending(Exit.FAILED, INTERRUPTED, error)
    except Exception as error:  # the last edge: one line for a person, the traceback on request
        return Ending(Exit.FAILED, masked(_fault(error)), error)


def place_of(error: BaseException) -> str | None:
    """Where in Harbor's own code an error came up, such as `pipeline/files.py:123`; None where it never was there.

    The innermost frame that is ours, but for this file's, which every error passes.
    """
    home = Path(str(resources.files("pipeline"))).parent
    place = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        ours = path.is_relative_to(home) and path.relative_to(home).parts[0] in FOLDERS
        if ours and path != Path(__file__):
            place = f"{path.relative_to(home).as_posix()}:{line}"
    return place


def _fault(error: Exception) -> str:
    """What nobody refused in words; an OSError that carries no number of the system was worded by whoever raised it."""
    if isinstance(error, OSError) and error.errno is None:
        return str(error)
    place = place_of(error)
    return f"{type(error).__name__}: {error}" + (f" ({place})" if place is not None else "")


def _prepared(command: Callable[[], Any]) -> Any:
    """What a process needs before numeric libraries load: threads that wait quietly, and an ear for signals.

    OpenMP's barriers spin by default, so two jobs on one machine slow one another down many times over. OpenBLAS spins
    whatever it is told, and over sums that one core has done sooner, so it gets one thread.
    """

    def end(_signal: int, _frame: object) -> None:
        raise InterruptedRunError

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if wants_json(os.environ):
        capture_libraries(sys.stderr)
    with private_files(os.environ):
        return command()


def _json_lines() -> bool:
    try:
        return wants_json(os.environ)
    except InputError:
        return False


def _last_record(ending: Ending, seconds: float) -> str:
    level = {int(Exit.DONE): "info", int(Exit.REFUSED): "warning"}.get(ending.code, "error")
    fields: dict[str, object] = {"code": int(ending.code), "seconds": round(seconds, 3)}
    if ending.error is not None and os.environ.get("HARBOR_DEBUG"):
        fields["traceback"] = "".join(traceback.format_exception(ending.error))
    return log_line(level, "exit", ending.message, **fields)


def _say(ending: Ending) -> None:
    if ending.error is None:
        return
    if os.environ.get("HARBOR_DEBUG"):
        print_traceback("".join(traceback.format_exception(ending.error)), sys.stderr)
    if isinstance(ending.error, USAGE):
        ending.error.message = shown_text(ending.error.message)  # it is shown in a box, whose lines may cut a number
        with own_words():
            ending.error.show()
    else:
        if ending.message == INTERRUPTED and sys.stderr.isatty():  # a terminal shows ^C where the cursor stands
            print_error("", sys.stderr)
        print_error(f"harbor: {ending.message}", sys.stderr)
