"""A digest covers every value and changes with nothing else."""

import hashlib

import pyarrow as pa
import pytest

from pipeline.storage.digests import TableDigest, sha256_file, sha256_json


def digest_of(*tables):
    digest = TableDigest()
    for table in tables:
        digest.update(table)
    return digest.hexdigest()


PAST = pa.list_(pa.struct({"label": pa.int8(), "until": pa.timestamp("us", "UTC")}))
ROWS = pa.table(
    {
        "id": ["a", None, "bc"],
        "amount": [1.5, float("nan"), None],
        "count": [1, None, 3],
        "past": pa.array([[(1, 5)], None, [(0, 7), (1, 9)]], PAST),
    }
)


def test_a_table_has_one_digest_however_it_is_cut():
    assert digest_of(ROWS.slice(0, 1), ROWS.slice(1)) == digest_of(ROWS)
    assert digest_of(pa.concat_tables([ROWS.slice(0, 2), ROWS.slice(2)])) == digest_of(ROWS)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", ["a", "", "bc"]),
        ("id", ["a", None, "cb"]),
        ("id", ["ab", None, "c"]),
        ("amount", [1.5, None, None]),
        ("amount", [1.5, float("nan"), 0.0]),
        ("count", [1, 0, 3]),
        ("past", [[(1, 5), (0, 7)], None, [(1, 9)]]),
        ("past", [[(1, 5)], None, [(0, 7), (1, 8)]]),
    ],
)
def test_any_other_value_is_another_digest(name, values):
    place = ROWS.schema.get_field_index(name)
    other = ROWS.set_column(place, ROWS.schema.field(place), pa.array(values, ROWS.schema.field(place).type))
    assert digest_of(other) != digest_of(ROWS)


def test_names_types_and_order_of_rows_count():
    plain = pa.table({"a": [1, 2]})
    others = (pa.table({"b": [1, 2]}), pa.table({"a": [2, 1]}), pa.table({"a": [1.0, 2.0]}))
    assert len({digest_of(each) for each in (plain, *others)}) == 4


def test_a_file_has_the_checksum_that_other_tools_give_it(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_digest_of_a_value_does_not_depend_on_the_order_of_its_keys():
    assert sha256_json({"b": [1, 2], "a": None}) == sha256_json({"a": None, "b": [1, 2]})
    assert sha256_json({"b": 1}) == hashlib.sha256(b'{"b":1}').hexdigest()
    assert sha256_json([1, 2]) != sha256_json([2, 1])
