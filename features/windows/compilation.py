"""How the numba loops are compiled: at the first call, beside other threads, and kept for the next process."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., Any])

_LOOPS: list[Any] = []
_IMPORT = re.compile(r"^from (features\.[\w.]+) import", re.MULTILINE)


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

    numba takes code for new while the loop's own file is as it was. Loops are compiled with numbers and other loops of
    the files that theirs imports, so code is that of all of these.
    """
    for loop in _LOOPS:
        try:
            loop.enable_caching()
        except RuntimeError:
            return
        loop._cache._cache_file._source_stamp = sources_digest(loop.py_func.__module__)


@cache
def sources_digest(module: str) -> str:
    """SHA-256 of the source of a module of this folder's, and of all that it imports of them, directly or not."""
    digest = hashlib.sha256()
    for name, source in sorted(_sources(module).items()):
        digest.update(f"{name}\0{source}\0".encode())
    return digest.hexdigest()


def _sources(module: str) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _source(name)
            waiting += _imported(found[name])
    return found


def _source(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return "" if file is None else Path(file).read_text(encoding="utf-8")


def _imported(source: str) -> Iterator[str]:
    """Modules that a source imports from; those of whole folders have no source here, and no loops."""
    yield from (match[1] for match in _IMPORT.finditer(source))
