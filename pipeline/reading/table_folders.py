"""Folders that hold a table: their files alone are not its rows, old versions and deleted rows among them."""

from pathlib import Path


def part_of_table(path: Path) -> str:
    """Why a path must not be read as files: it is, or lies in, the folder of a table; empty where it does not.

    A message for a person, with the address to use.
    """
    place = path.absolute()
    for folder in (place, *place.parents):
        kind = _table_kind(folder)
        if kind == "delta":
            return f"{path}: is part of a Delta table; read it as delta://{folder}"
        if kind == "iceberg":
            return (
                f"{path}: is part of an Iceberg table ({folder.name}); read it by its catalog, as "
                "iceberg://CATALOG/NAMESPACE.TABLE"
            )
    return ""


def _table_kind(folder: Path) -> str:
    if (folder / "_delta_log").is_dir():
        return "delta"
    metadata = folder / "metadata"
    return "iceberg" if metadata.is_dir() and any(metadata.glob("*.metadata.json")) else ""
