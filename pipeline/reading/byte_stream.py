"""The bytes of a text file as UTF-8, unzipped, with a count of its lines."""

import codecs
import gzip
import io
from pathlib import Path
from typing import BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
TRANSCODED_BYTES = 1 << 20
UNICODE = ("utf-8", "utf-8-sig")


class ByteStream(io.RawIOBase):
    """A file's text as UTF-8 bytes; it knows how many line ends went by and how it ended.

    Bytes that are none in UTF-8 are passed on, so that the value that holds them is judged and not the file.
    """

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        with path.open("rb") as probe:
            zipped = probe.read(2) == GZIP_MAGIC
        inner = cast(BinaryIO, gzip.open(path) if zipped else path.open("rb"))  # noqa: SIM115 - closed by close()
        self._inner = inner if encoding in UNICODE else cast(BinaryIO, _Transcoded(inner, encoding))
        self.lines, self.ending = 0, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._inner.read(size)
        self.lines += block.count(b"\n")
        self.ending = (self.ending + block[-2:])[-2:]
        return block

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Transcoded(io.RawIOBase):
    """Bytes of one encoding as UTF-8.

    A byte that a one-byte encoding does not know is passed on as it is, which makes its value no UTF-8.
    """

    def __init__(self, inner: BinaryIO, encoding: str) -> None:
        wide = encoding.startswith(("utf-16", "utf-32"))
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder(encoding)("strict" if wide else "surrogateescape")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._ready) < size):
            block = self._inner.read(TRANSCODED_BYTES)
            self._ended = not block
            text = self._decoder.decode(block, final=self._ended)
            self._ready += text.encode("utf-8", "surrogateescape")
        size = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def close(self) -> None:
        self._inner.close()
        super().close()
