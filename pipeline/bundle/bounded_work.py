"""Work on foreign bytes in a child that has so much time, memory and output, and no network.

What onnxruntime does with a graph is not Harbor's to bound: it may run without end, fill memory or fall over. In a
process of its own it ends that process, and here it is one message.
"""

import contextlib
import ctypes
import faulthandler
import json
import os
import resource
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any, NoReturn

from pipeline.storage.errors import INPUT_ERRORS, InputError, may_pass

SECONDS = 120.0
MEMORY = 8 << 30
LARGEST_ANSWER = 1 << 16
LARGEST_FILE = 1 << 16
"""Bytes of any file that the child could write: what it has to say fits the pipe."""
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
"""Linux's CLONE_NEWUSER and CLONE_NEWNET."""


class TroubleError(OSError):
    """The child could not work, for no fault of the bytes."""


def in_child(
    work: Callable[[], dict[str, Any]], *, refusal: str, seconds: float = SECONDS, memory: int = MEMORY
) -> dict[str, Any]:
    """What `work` gives, JSON values, done in a child.

    Args:
        work: on foreign bytes; raises InputError where it refuses them.
        refusal: what a message begins with where the child is ended, such as "the bundle x cannot be verified".
        seconds: it may take.
        memory: bytes it may take beside what this process holds.

    Raises:
        InputError: as `work`, or it takes more time, memory or words, or it falls over.
        TroubleError: the system failed it.
    """
    from_child, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_child)
        _work_and_end(work, to_parent, seconds, memory)
    os.close(to_parent)
    ended_by_us = "takes longer than it may"
    try:
        content = _read_within(from_child, time.monotonic() + seconds)
        ended_by_us = "" if content is not None else ended_by_us
    finally:
        os.close(from_child)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return _answer(content, status, refusal, ended_by_us)


def _answer(content: bytes | None, status: int, refusal: str, ended_by_us: str) -> dict[str, Any]:
    if content is None:
        raise InputError(f"{refusal}: it {ended_by_us}")
    try:
        told = json.loads(content)
    except ValueError:
        signal_number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        raise InputError(f"{refusal}: what reads it falls over or asks for too much (signal {signal_number})") from None
    if "refused" in told:
        raise InputError(told["refused"])
    if "trouble" in told:
        raise TroubleError(told["trouble"])
    answer: dict[str, Any] = told["answer"]
    return answer


def _read_within(source: int, deadline: float) -> bytes | None:
    """All that the child says; None where the time is over or it says too much."""
    content = b""
    with selectors.DefaultSelector() as ready:
        ready.register(source, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not ready.select(left):
                continue
            part = os.read(source, LARGEST_ANSWER)
            if not part:
                return content
            content += part
            if len(content) > LARGEST_ANSWER:
                return None
    return None


def _work_and_end(work: Callable[[], dict[str, Any]], to_parent: int, seconds: float, memory: int) -> NoReturn:
    """The child: it ends here, whatever happens."""
    told: dict[str, Any] = {}
    try:
        _confine(seconds, memory)
        told = {"answer": work()}
    except MemoryError:
        told = {"refused": "what is in the bundle asks for more memory than it may"}
    except INPUT_ERRORS as error:
        told = {"trouble" if may_pass(error) else "refused": str(error)[: LARGEST_ANSWER // 8]}
    except BaseException as error:
        told = {"trouble": f"{type(error).__name__}: {error}"[: LARGEST_ANSWER // 8]}
    finally:
        with contextlib.suppress(BaseException):
            os.write(to_parent, json.dumps(told).encode())
        os._exit(0)


def _confine(seconds: float, memory: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    with contextlib.suppress(OSError, AttributeError):  # not every system lets a user do so
        ctypes.CDLL(None).unshare(NEW_USER | NEW_NETWORK)
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - read where little may be imported
        held = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    limits = {
        resource.RLIMIT_AS: held + memory,
        resource.RLIMIT_CPU: int(seconds) * 4 + 1,
        resource.RLIMIT_FSIZE: LARGEST_FILE,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
