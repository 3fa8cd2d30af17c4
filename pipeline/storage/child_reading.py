"""Files of others read in a child process that may take only so much memory.

A file of a megabyte can name a page of gigabytes, and a library that reads it asks for the memory before anybody could
look. So it is asked in a process of its own: what is too large, or brings the library down, ends that process alone and
becomes one message here.
"""

import faulthandler
import mmap
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, NoReturn

import pyarrow as pa

from pipeline.storage.errors import InputError

CHILD_MEMORY = 4 << 30
"""Bytes that a reader may take; the largest batch of a wide table is a quarter of it."""
FAILED, TOO_LARGE = 3, 4
MESSAGE_BYTES = 2_000
LONGEST_TYPE = 200


def batches_from_child(
    read: Callable[[], Iterator[pa.RecordBatch]], *, refusal: str, memory: int = CHILD_MEMORY
) -> Iterator[pa.RecordBatch]:
    """What `read` yields, read in a child.

    Args:
        read: opens the file and gives its batches, all of one schema.
        refusal: what a message begins with, such as "data.parquet: cannot be read"; why not follows.
        memory: bytes that the child may take beside what this process holds.

    Raises:
        InputError: the file cannot be read, asks for more memory, or brings its reader down.
    """
    if not hasattr(os, "fork"):  # pragma: no cover
        yield from read()
        return
    from_child, to_parent = os.pipe()
    complaint = mmap.mmap(-1, MESSAGE_BYTES)  # shared with the child
    child = os.fork()
    if child == 0:
        os.close(from_child)
        _read_and_end(read, to_parent, complaint, memory)
    os.close(to_parent)
    ended = False
    try:
        with os.fdopen(from_child, "rb") as stream:
            yield from _received(stream)
        ended = True
    finally:
        if not ended:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if status:
        raise InputError(f"{refusal}, {_fault(status, complaint, memory)}")


def schema_from_child(read: Callable[[], pa.Schema], *, refusal: str) -> pa.Schema:
    """A schema, read in a child. A type that is nested at length comes back as a list of nothing.

    Raises:
        InputError: as `batches_from_child`.
    """

    def written() -> Iterator[pa.RecordBatch]:
        fields = [
            pa.field(field.name, pa.list_(pa.null())) if _is_nested_at_length(field.type) else field for field in read()
        ]
        yield pa.record_batch({"schema": [pa.schema(fields).serialize().to_pybytes()]})

    (batch,) = batches_from_child(written, refusal=refusal)
    return pa.ipc.read_schema(pa.BufferReader(batch["schema"][0].as_py()))


def _is_nested_at_length(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind)) and len(str(kind)) > LONGEST_TYPE


def _received(stream: BinaryIO) -> Iterator[pa.RecordBatch]:
    """The batches of a stream as far as it goes; why it ends early is for the child to say."""
    with suppress(pa.ArrowInvalid, OSError), pa.ipc.open_stream(pa.PythonFile(stream, mode="r")) as reader:
        yield from reader


def _read_and_end(
    read: Callable[[], Iterator[pa.RecordBatch]], to_parent: int, complaint: mmap.mmap, memory: int
) -> NoReturn:
    """The child: it ends here, whatever happens, and runs none of what its parent has to run at its end."""
    code = FAILED
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what a dying library prints is said by the parent, in one line
        limit = _memory_now() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _send(read(), to_parent)
        code = 0
    except MemoryError:
        code = TOO_LARGE
    except BaseException as error:
        text = (str(error).splitlines() or [type(error).__name__])[0].encode("utf-8", "replace")
        complaint.write(text[:MESSAGE_BYTES])
    finally:
        os._exit(code)


def _send(batches: Iterator[pa.RecordBatch], to_parent: int) -> None:
    first = next(batches, None)
    if first is None:
        return
    with os.fdopen(to_parent, "wb") as stream, pa.ipc.new_stream(pa.PythonFile(stream, mode="w"), first.schema) as out:
        out.write_batch(first)
        for batch in batches:
            out.write_batch(batch)


def _memory_now() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - read where little may be imported
        return int(file.read().split()[0]) * mmap.PAGESIZE


def _fault(status: int, complaint: mmap.mmap, memory: int) -> str:
    """Why the child ended as it did."""
    text = complaint.read(MESSAGE_BYTES).rstrip(b"\0").decode("utf-8", "replace")
    if os.WIFSIGNALED(status):
        return f"it brings its reader down (signal {os.WTERMSIG(status)})"
    if os.WEXITSTATUS(status) == TOO_LARGE:
        return f"it asks for more than {memory >> 20:,} MiB of memory at once"
    return text or "its reader ended"
