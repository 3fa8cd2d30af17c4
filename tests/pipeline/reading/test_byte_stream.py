import gzip

import pytest

from pipeline.reading.byte_stream import ByteStream

TEXT = "a;Zahlung\n1;Café €\n"


def whole(path, encoding="utf-8", size=7):
    with ByteStream(path, encoding) as stream:
        blocks = []
        while block := stream.read(size):
            assert len(block) <= size
            blocks.append(block)
        return b"".join(blocks), stream.lines, stream.ending


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-32", "iso8859-15", "utf-8"])
@pytest.mark.parametrize("zipped", [False, True])
def test_text_of_every_encoding_becomes_utf_8(tmp_path, encoding, zipped):
    content = TEXT.encode(encoding)
    (tmp_path / "f").write_bytes(gzip.compress(content) if zipped else content)
    assert whole(tmp_path / "f", encoding) == (TEXT.encode(), 2, b"\xac\n"[-2:])


def test_a_byte_that_the_encoding_does_not_know_stays_and_its_neighbours_are_read(tmp_path):
    (tmp_path / "f").write_bytes(b"\xe9,\x81,\xe8\n")
    assert whole(tmp_path / "f", "cp1252")[0] == "é,".encode() + b"\x81" + ",è\n".encode()
