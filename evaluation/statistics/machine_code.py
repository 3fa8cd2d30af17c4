"""How the numba loops are compiled: at the first call, and kept for the next process."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from threading import Lock
from typing import Any, TypeVar, cast

from numba import njit
from numba.extending import register_jitable

Loop = TypeVar("Loop", bound=Callable[..., Any])

_ONE_AT_A_TIME = Lock()
"""Two threads that call a loop first would both compile it."""


def machine_code(loop: Loop) -> Loop:
    """The loop as machine code that lets other threads run and divides by zero as numpy does.

    Nothing is compiled or looked for on disk before the first call, so importing costs nothing; a machine without a
    writable place compiles anew in each process.
    """

    @cache
    def compiled() -> Any:
        made = njit(nogil=True, error_model="numpy")(loop)
        with suppress(RuntimeError):  # what numba raises where it finds no place to keep the code
            made.enable_caching()
        return made

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        with _ONE_AT_A_TIME:
            made = compiled()
        return made(*arguments)

    return cast(Loop, call)


def inlined(loop: Loop) -> Loop:
    """A part of such loops that several of them, or one in several places, go through."""
    inlined_loop: Loop = register_jitable(loop)
    return inlined_loop
