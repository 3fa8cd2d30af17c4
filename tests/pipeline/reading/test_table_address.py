"""What the address of a table says, and what it must not leave open."""

import pytest

from pipeline.reading.table_address import TableAddress, is_table, table_address


@pytest.mark.parametrize(
    ("text", "kind", "place", "version", "name"),
    [
        ("delta:///data/tx@3", "delta", "/data/tx", 3, "tx@3"),
        ("delta://data/tx", "delta", "data/tx", None, "tx@None"),
        ("delta:///home/a@b/tx", "delta", "/home/a@b/tx", None, "tx@None"),
        ("delta:///home/a@b/tx@0", "delta", "/home/a@b/tx", 0, "tx@0"),
        ("delta://s3://bank/tx/@12", "delta", "s3://bank/tx/", 12, "tx@12"),
        ("iceberg://bank/cards.tx@189", "iceberg", "bank/cards.tx", 189, "cards.tx@189"),
        ("iceberg://bank/eu.cards.tx", "iceberg", "bank/eu.cards.tx", None, "eu.cards.tx@None"),
    ],
)
def test_an_address_has_a_place_and_perhaps_a_version(text, kind, place, version, name):
    found = table_address(text)
    assert found == TableAddress(kind, place, version)
    assert (found.text, found.name) == (text, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("delta:///data/tx@newest", "must be the number of a version"),
        ("iceberg://bank/cards.tx@main", "must be the number of a snapshot"),
        ("iceberg://bank/tx", "must name catalog, namespace and table"),
        ("iceberg://cards.tx", "must name catalog, namespace and table"),
        ("delta://", "must name the table's folder"),
        ("delta://@3", "must name the table's folder"),
    ],
)
def test_an_address_that_leaves_something_open_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        table_address(text)


def test_paths_and_stores_are_no_tables():
    assert not any(map(is_table, ("tx.csv", "s3://bank/tx/*.parquet", "delta/tx.parquet", "/delta://x")))
