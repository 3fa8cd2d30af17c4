"""Further columns of the transactions that lie in a file of their own, joined by a key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.preset import Preset
from features.schema.values import decoded, text_values
from pipeline.stages.ingest.batches import header, source_batches
from pipeline.stages.ingest.source_batch import SourceBatch
from pipeline.stages.ingest.sources import SourceFile
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class SideTable:
    """Further columns of the transactions, looked up by a key.

    Attributes:
        key: the names under which the key may stand, in order of preference.
        keys: its values as text, each once [N].
        table: the rows of these keys [N].
    """

    key: tuple[str, ...]
    keys: pa.Array
    table: pa.Table

    def columns(self, held: Sequence[str]) -> list[str]:
        """Columns that this table adds to a file that holds some already."""
        return [name for name in self.table.column_names if name not in held and name not in self.key]

    def of(self, batch: pa.Table, columns: Sequence[str]) -> pa.Table:
        """The further columns of these rows, null where the side table has none."""
        key = next(name for name in self.key if name in batch.column_names)
        place = pc.index_in(_key_text(batch, key), value_set=self.keys)
        return self.table.select(list(columns)).take(place)


def side_table(files: Sequence[SourceFile], preset: Preset) -> SideTable:
    """The side files as one table in memory.

    Raises:
        InputError: a file lacks the key or holds a broken row, or a key comes twice.
        ValueError: the preset joins nothing.
    """
    join = preset.join
    if join is None:
        raise ValueError("side files belong to a preset with a join, this one has none")
    parts = [_whole_file(file, join.on, preset.delimiter) for file in files]
    table = pa.concat_tables(parts, promote_options="default").combine_chunks()
    keys = _key_text(table, next(name for name in join.on if name in table.column_names))
    repeats = len(keys) - len(pc.unique(keys))
    if repeats:
        raise InputError(f"{files[0].place}: {join.on[0]!r} must be unique, it has {repeats} repeats")
    return SideTable(join.on, keys, table)


def joined_batches(
    file: SourceFile, *, needed: Sequence[str], own: Sequence[str], delimiter: str, side: SideTable
) -> Iterator[SourceBatch]:
    """The records of a file with the columns of a side table beside its own.

    Args:
        file: of transactions.
        needed: columns to give.
        own: columns that the file itself has.
        delimiter: between its values, where it is CSV.
        side: where the other columns come from.

    Raises:
        InputError: the file has no key to be joined on, or is damaged.
    """
    mine = [name for name in needed if name in own]
    further = [name for name in needed if name not in own]
    key = next((name for name in side.key if name in own), None)
    if key is None:
        raise InputError(f"{file.place}: must hold {_either(side.key)} to be joined on")
    for batch in source_batches(file, columns=list(dict.fromkeys([*mine, key])), delimiter=delimiter):
        added = side.of(batch.table, further)
        columns = [*batch.table.select(mine).columns, *added.columns]
        yield SourceBatch(pa.table(columns, names=[*mine, *further]), batch.row, batch.broken, batch.spare_lines)


def _whole_file(file: SourceFile, key: Sequence[str], delimiter: str) -> pa.Table:
    names = header(file, delimiter=delimiter).names
    if not set(key) & set(names):
        raise InputError(f"{file.place}: must hold {_either(key)}, which it is joined on")
    batches = list(source_batches(file, columns=names, delimiter=delimiter))
    broken = [number for batch in batches for number, _ in batch.broken]
    if broken:
        raise InputError(
            f"{file.place}: every row must have {len(names)} fields and a line break, row {broken[0]} has not"
        )
    return pa.concat_tables([batch.table for batch in batches])


def _key_text(table: pa.Table, key: str) -> pa.Array:
    return text_values(decoded(table.column(key))[0])


def _either(names: Sequence[str]) -> str:
    return " or ".join(map(repr, names))
