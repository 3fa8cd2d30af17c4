"""What a file is by its first bytes: text in a compression that is read, or of a kind that is refused by its name."""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

HEAD_BYTES = 4096
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What the readers of compressed files raise where one is cut or broken."""


def _zstd(path: Path) -> BinaryIO:
    import pyarrow as pa  # the names of files are looked at before any row is, and this takes its time

    return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))


COMPRESSIONS: tuple[tuple[re.Pattern[bytes], Callable[[Path], object]], ...] = (
    (re.compile(rb"\x1f\x8b"), gzip.open),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _zstd),
    (re.compile(rb"BZh[1-9]1AY&SY"), bz2.open),
    (re.compile(rb"\xfd7zXZ\x00"), lzma.open),
)
"""Beginnings of compressed files, and what opens each."""
FOREIGN = (
    (re.compile(rb"PK\x03\x04"), "a ZIP archive, as new spreadsheets are"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "a spreadsheet of the old kind"),
    (re.compile(rb"ORC(?=.{0,64}\0)", re.DOTALL), "ORC"),
    (re.compile(rb"Obj\x01"), "Avro"),
    (re.compile(rb"ARROW1|FEA1"), "an Arrow file (Feather)"),
    (re.compile(rb"PARE"), "Parquet with an encrypted footer"),
    (re.compile(rb"\x04\x22\x4d\x18"), "compressed with LZ4"),
    (re.compile(rb"\xff\x06\x00\x00sNaPpY"), "compressed with Snappy"),
    (re.compile(rb"7z\xbc\xaf|Rar!\x1a"), "a 7z or RAR archive"),
    (re.compile(rb"\x89HDF"), "HDF5"),
    (re.compile(rb"SQLite format 3\0"), "an SQLite database"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"(?i)\s*<(?:!doctype html|html|\?xml)"), "a web page or XML"),
    (re.compile(rb"version https://git-lfs"), "what Git LFS leaves in the place of a file"),
    (re.compile(rb"\x1f\x8b|\x28\xb5\x2f\xfd|\xfd7zXZ\x00"), "compressed twice"),
)
"""Beginnings of files that are no text, and what they are; a compressed one is met here only inside another."""


def opened_text(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is compressed with gzip, zstd, bzip2 or xz.

    What is read decides, not the name: a `.csv.gz` may well be plain text.
    """
    head = file_head(path)
    opener = next((opener for begins, opener in COMPRESSIONS if begins.match(head)), None)
    return cast(BinaryIO, path.open("rb") if opener is None else opener(path))


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins like this is unpacked while it is read."""
    return any(begins.match(head) for begins, _ in COMPRESSIONS)


def foreign_kind(head: bytes) -> str:
    """What a text is that begins like this and is none; "" where it may be one.

    >>> foreign_kind(b"%PDF-1.7"), foreign_kind(b"id,amount")
    ('a PDF', '')
    """
    return next((what for begins, what in FOREIGN if begins.match(head)), "")


def file_head(path: Path) -> bytes:
    """The first bytes as they lie on the disk."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
