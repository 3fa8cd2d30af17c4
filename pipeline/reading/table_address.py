"""Addresses of tables with versions: `delta://PATH@version` and `iceberg://catalog/table@snapshot`."""

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.storage.addresses import refuse_address
from pipeline.storage.errors import InputError

TableKind = Literal["delta", "iceberg"]
VERSION_WORDS: dict[TableKind, str] = {"delta": "version", "iceberg": "snapshot"}
ADDRESS = re.compile(r"(delta|iceberg)://(.*)", re.DOTALL)
ICEBERG_PLACE = re.compile(r"[^/]+/[^/.]+(\.[^/.]+)+")


@dataclass(frozen=True)
class TableAddress:
    """Which table, and which version of it.

    Attributes:
        kind: of table.
        place: of Delta the folder, local or in an object store; of Iceberg the catalog and the table's full name.
        version: the version or snapshot; None for whichever is the newest.
    """

    kind: TableKind
    place: str
    version: int | None

    @property
    def text(self) -> str:
        """As it stands in a configuration."""
        return f"{self.kind}://{self.place}" + ("" if self.version is None else f"@{self.version}")

    @property
    def name(self) -> str:
        """The table's own name and version, the same on every machine."""
        return f"{self.place.rstrip('/').rpartition('/')[2]}@{self.version}"


def is_table(text: str) -> bool:
    """Whether a source is the address of a table."""
    return ADDRESS.match(text) is not None


def table_address(text: str) -> TableAddress:
    """An address taken apart.

    Raises:
        InputError: it names no table, or a version that is no number.
    """
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise InputError(f"{text[:200]!r} must begin with delta:// or iceberg://")
    kind: TableKind = "delta" if found[1] == "delta" else "iceberg"
    place, at, version = found[2].rpartition("@")
    if not at or "/" in version:
        place, version = found[2], ""
    elif not re.fullmatch(r"[0-9]{1,19}", version):
        refuse_address(text, f"what follows the last @ must be the number of a {VERSION_WORDS[kind]}")
    if kind == "iceberg" and not ICEBERG_PLACE.fullmatch(place):
        refuse_address(text, "must name catalog, namespace and table, such as iceberg://bank/cards.transactions")
    if not place.strip("/") or "\0" in place:
        refuse_address(text, "must name the table's folder, such as delta:///data/transactions")
    return TableAddress(kind, place, int(version) if version else None)
