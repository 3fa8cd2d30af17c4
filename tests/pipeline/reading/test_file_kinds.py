import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from pipeline.reading.file_kinds import DAMAGED, foreign_kind, is_compressed, opened_text

TEXT = b"id,amount\n" + b"".join(b"%d,%d.25\n" % (n, n * n) for n in range(5_000))
PACKED = {
    "gzip": gzip.compress,
    "zstd": lambda text: pa.Codec("zstd").compress(text, asbytes=True),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_text_is_read_whatever_its_name_is(tmp_path, name):
    path = tmp_path / "rows.csv"
    path.write_bytes(PACKED[name](TEXT))
    assert is_compressed(path.read_bytes())
    with opened_text(path) as text:
        assert b"".join(iter(lambda: text.read(1_000), b"")) == TEXT


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_text_that_was_cut_is_never_read_as_whole(tmp_path, name):
    path = tmp_path / "rows.csv"
    path.write_bytes(PACKED[name](TEXT)[:-9])
    with opened_text(path) as text, pytest.raises(DAMAGED, match=r"(?i)end|truncated|corrupt"):
        list(iter(lambda: text.read(1_000), b""))


def test_a_plain_text_is_read_as_it_is(tmp_path):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(TEXT)
    with opened_text(path) as text:
        assert text.read() == TEXT


def archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("rows.csv", TEXT)
    return held.getvalue()


def written(write) -> bytes:
    held = io.BytesIO()
    write(pa.table({"amount": [1.0, 2.0]}), held)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (archive(), "a ZIP archive"),
        (written(feather.write_feather), "an Arrow file"),
        (written(orc.write_table), "ORC"),
        (gzip.compress(TEXT), "compressed twice"),
        (b"  <HTML><body>Forbidden", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "what Git LFS leaves"),
    ],
)
def test_what_is_no_text_is_known_by_its_name(content, what):
    assert foreign_kind(content).startswith(what)


@pytest.mark.parametrize(
    "content", [TEXT, b"ORC_ID,amount\n", b"PARTNER,amount\n", b"{}", b"", written(pq.write_table)]
)
def test_a_text_and_parquet_are_of_no_other_kind(content):
    assert foreign_kind(content) == ""
