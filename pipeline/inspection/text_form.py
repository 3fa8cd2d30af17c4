"""How a text file is written: its encoding and the sign between its fields, told from its first megabytes."""

import codecs
import csv
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.reading.byte_stream import ByteStream
from pipeline.reading.file_kinds import DAMAGED
from pipeline.reading.reading_faults import reading_fault
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError

DELIMITERS = (",", ";", "\t", "|")
SCANNED_BYTES = 64 << 20
PIECE_BYTES = 1 << 20
LINES = 60
AGREEING = 0.9
"""Share of the lines that must have as many fields as the header."""
NO_CP1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes that Windows' own alphabet has no letter for."""
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class TextForm:
    """Field separator and encoding, as keys of a preset; those of Parquet and of JSON lines mean nothing."""

    delimiter: str = ","
    encoding: str = "utf-8"


def text_form(file: SourceFile) -> TextForm:
    """The form of a file; the usual one where it is no text."""
    if file.parquet:
        return TextForm()
    try:
        encoding, head = _encoding(file)
    except DAMAGED as error:
        raise InputError(f"{file.place}: cannot be read, {reading_fault(error)}") from error
    if file.json:
        return TextForm(encoding=encoding)
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    lines = text.splitlines()[: LINES + 1]
    return TextForm(delimiter_of(lines if len(lines) <= LINES else lines[:-1]), encoding)


def delimiter_of(lines: Sequence[str]) -> str:
    r"""The sign that divides the header and nearly all other lines into as many fields, the more the better.

    >>> delimiter_of(["id;amount;day", "1;12,50;3", "2;7,00;4"]), delimiter_of(["a\tb", "1,5\t2"])
    (';', '\t')
    """
    best, most = ",", 1
    for delimiter in DELIMITERS:
        counts = [len(fields) for fields in csv.reader(lines, delimiter=delimiter) if fields]
        agreeing = sum(count == counts[0] for count in counts) if counts else 0
        if counts and counts[0] > most and agreeing >= AGREEING * len(counts):
            best, most = delimiter, counts[0]
    return best


def _encoding(file: SourceFile) -> tuple[str, bytes]:
    """The encoding of a file, and its first bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with ByteStream(file.path) as stream:
        head = piece = stream.read(PIECE_BYTES)
        if head[:2] in UTF16_MARKS:
            return "utf-16", head
        read = 0
        while piece and read < SCANNED_BYTES:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                return ("latin-1" if NO_CP1252 & set(piece) else "cp1252"), head
            read += len(piece)
            piece = stream.read(PIECE_BYTES)
    return "utf-8", head
