"""The numbers that a graph was made of, each parsed as what it is: UBJSON, safetensors, JSON and text.

Nobody scores by them, but people load them: into a booster, into torch. So they must be whole and nothing else.
"""

import math
import struct
from collections.abc import Iterator
from typing import Any

from pipeline.bundle.manifest import CheckedBundle
from pipeline.bundle.signature import Signature
from pipeline.bundle.twin import TWIN
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.untrusted import parsed_json
from pipeline.storage.visible_text import HIDDEN

SIZES = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8}
"""Bytes of UBJSON's numbers by their letter."""
WHOLE = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
DEEPEST = 32
TENSOR_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
LONGEST_CARD_LINE = 100_000
BOOSTER_KEYS = {"learner", "version"}


def check_number_files(bundle: CheckedBundle, signature: Signature) -> None:
    """Refuse a bundle with a file of numbers or words that is not of its kind.

    Raises:
        InputError: every such file, by name.
    """
    faults: list[str] = []
    for name in bundle.manifest["files"]:
        try:
            _check(bundle, name, signature)
        except InputError as fault:
            faults.append(f"{name}: {fault}")
        except (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError, OverflowError):
            faults.append(f"{name}: must be what its name says, but it cannot be read as that")
    if faults:
        raise InputError(faults_text(faults, f"what the bundle {bundle.folder} holds"))


def _check(bundle: CheckedBundle, name: str, signature: Signature) -> None:
    content, part = bundle.read(name), name.removeprefix(f"{TWIN}/")
    if part == "booster.ubj":
        _check_booster(content)
    elif part == "network.safetensors":
        check_safetensors(content)
    elif part in ("calibrator.json", "features.json", "thresholds.json", "encoder.json", "reasons.json"):
        value = parsed_json(content, name="it")
        if not isinstance(value, dict):
            raise InputError("must be an object")
        _check_depth(value, DEEPEST)
        if part == "encoder.json":
            _check_encoder(value, signature)
    elif part == "model_card.md":
        _check_card(content)


def _check_booster(content: bytes) -> None:
    keys = ubjson_keys(content)
    if keys != BOOSTER_KEYS:
        raise InputError("must be one booster of XGBoost")


def ubjson_keys(content: bytes) -> set[str]:
    """The keys of the one object that a UBJSON text is, all of which has been walked through.

    Raises:
        InputError: it is none, is cut short, goes on behind its end, or is nested too deeply.
    """
    reader = _UbJson(content)
    if reader.take(1) != b"{":
        raise InputError("must be one object")
    keys = set(reader.object(DEEPEST))
    if reader.place != len(content):
        raise InputError("must end with its object, but goes on behind it")
    return keys


class _UbJson:
    """A walk over UBJSON: nothing is made of it but the names of keys."""

    def __init__(self, content: bytes) -> None:
        self._content, self.place = content, 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self.place + size
        if size < 0 or end > len(self._content):
            raise InputError("must be whole, but it is cut short")
        taken, self.place = self._content[self.place : end], end
        return taken

    def object(self, depth: int) -> Iterator[str]:
        """The keys of an object whose brace has been taken; their values are walked through on the way."""
        while (mark := self.take(1)) != b"}":
            self.place -= len(mark)
            key = self._text().decode("utf-8")
            self._value(self.take(1), depth - 1)
            yield key

    def _value(self, mark: bytes, depth: int) -> None:
        if depth <= 0:
            raise InputError("must not be nested so deeply")
        if mark == b"{":
            for _ in self.object(depth):
                pass
        elif mark == b"[":
            self._array(depth)
        elif mark == b"S":
            self._text()
        elif mark not in (b"T", b"F", b"Z", b"N"):
            self.take(SIZES[mark])

    def _array(self, depth: int) -> None:
        kind = self.take(1) if self._next(b"$") else b""
        if not self._next(b"#"):
            while not self._next(b"]"):
                self._value(self.take(1), depth - 1)
            return
        count = self._count()
        if kind:
            self.take(count * SIZES[kind])
            return
        for _ in range(count):
            self._value(self.take(1), depth - 1)

    def _next(self, mark: bytes) -> bool:
        found = self._content[self.place : self.place + 1] == mark
        self.place += found
        return found

    def _count(self) -> int:
        kind = self.take(1)
        (count,) = struct.unpack(WHOLE[kind], self.take(SIZES[kind]))
        return int(count)

    def _text(self) -> bytes:
        return self.take(self._count())


def check_safetensors(content: bytes) -> None:
    """Refuse what is no whole safetensors file: every byte behind the header belongs to one tensor of its size.

    Raises:
        InputError: it is none.
    """
    (size,) = struct.unpack("<Q", content[:8])
    if size > len(content) - 8:
        raise InputError("must be whole, but it is cut short")
    header = parsed_json(content[8 : 8 + size], name="its header")
    header.pop("__metadata__", None)
    place = 0
    for entry in sorted(header.values(), key=lambda each: each["data_offsets"]):
        begin, end = entry["data_offsets"]
        if entry.keys() != {"dtype", "shape", "data_offsets"} or any(length < 0 for length in entry["shape"]):
            raise InputError("must have tensors of a type, a shape and a place")
        if begin != place or end - begin != TENSOR_BYTES[entry["dtype"]] * math.prod(entry["shape"]):
            raise InputError("must have tensors that lie one behind the other, each of its size")
        place = end
    if place != len(content) - 8 - size:
        raise InputError("must hold tensors and nothing else")


def _check_encoder(encoder: Any, signature: Signature) -> None:
    if tuple(encoder["numeric"]) != signature.numeric or tuple(encoder["categorical"]) != signature.categorical:
        raise InputError("must be of the columns of signature.json")
    if len(encoder["vocabularies"]) != len(signature.categorical):
        raise InputError("must have a vocabulary for each of its categorical columns")


def _check_depth(value: Any, depth: int) -> None:
    if depth == 0:
        raise InputError("must not be nested so deeply")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(each, depth - 1)


def _check_card(content: bytes) -> None:
    lines = content.decode("utf-8").split("\n")
    if any(len(line) > LONGEST_CARD_LINE or HIDDEN.search(line) for line in lines):
        raise InputError("must be text whose every character can be seen")
    if any(marks in line for line in lines for marks in ("<script", "<img", "<iframe", "javascript:")):
        raise InputError("must be Markdown without HTML of its own")
