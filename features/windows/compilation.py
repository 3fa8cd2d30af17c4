"""How the numba loops are compiled: at the first call, beside other threads, and kept for the next process."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., Any])

_LOOPS: list[Any] = []


def compiled(loop: Loop) -> Loop:
    """The loop as machine code that lets other threads run and divides by zero as numpy does."""
    compiled_loop = njit(nogil=True, error_model="numpy")(loop)
    _LOOPS.append(compiled_loop)
    return cast(Loop, compiled_loop)


@cache
def keep_compiled_loops() -> None:
    """Let later processes find the machine code on disk, in NUMBA_CACHE_DIR or beside the source.

    numba looks for a writable place when it is told to keep code and fails where there is none. Told so here, and not
    where the loops are defined, importing touches no disk and a read-only machine compiles anew in each process.
    """
    for loop in _LOOPS:
        try:
            loop.enable_caching()
        except RuntimeError:
            return
