"""Further columns of the transactions that lie in a file of their own, joined by a key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import decoded, text_values
from features.schema.preset import Preset
from features.schema.values import is_number
from pipeline.reading.batches import header, source_batches
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError


@dataclass
class JoinCounts:
    """What found a partner so far.

    Attributes:
        met: keys of the side table that a row had [keys].
        rows: rows that were looked up.
        partnered: those of them whose key is in the side table.
    """

    met: NDArray[np.bool_]
    rows: int = 0
    partnered: int = 0


@dataclass(frozen=True)
class SideTable:
    """Further columns of the transactions, looked up by a key.

    Attributes:
        key: the names under which the key may stand, in order of preference.
        keys: its values as text, each once [N].
        table: the rows of these keys [N].
        whole_numbers: keys are numbers, however they are spelled.
        absent: what a column says of a row that has no partner, by its name; null for all others.
        repeats: identical rows that were left out.
        counts: added up as rows are looked up.
    """

    key: tuple[str, ...]
    keys: pa.Array
    table: pa.Table
    whole_numbers: bool
    absent: Mapping[str, str]
    repeats: int
    counts: JoinCounts

    def columns(self, held: Sequence[str]) -> list[str]:
        """Columns that this table adds to a file that holds some already."""
        return [name for name in self.table.column_names if name not in held and name not in self.key]

    @cached_property
    def number_keys(self) -> pa.Array:
        """The keys as numbers: leading zeros and a fraction of nothing say nothing."""
        keys = _whole_numbers(self.keys)
        again = len(keys) - len(pc.unique(keys))
        if again:
            raise InputError(f"{self.key[0]!r} of the joined file must be unique as a number, it has {again} repeats")
        return keys

    def of(self, batch: pa.Table, columns: Sequence[str]) -> pa.Table:
        """The further columns of these rows, null where the side table has none."""
        column = batch.column(next(name for name in self.key if name in batch.column_names))
        numeric = self.whole_numbers or is_number(column.type)
        keys = self.number_keys if numeric else self.keys
        place = pc.index_in(_key_text(column, whole_numbers=numeric), value_set=keys)
        self._count(place)
        found = self.table.select(list(columns)).take(place)
        for name in columns:
            if name in self.absent:
                filled = pc.if_else(pc.is_null(place), self.absent[name], found[name])
                found = found.set_column(found.column_names.index(name), name, filled)
        return found

    def _count(self, place: pa.Array) -> None:
        partners = place.drop_null().to_numpy()
        self.counts.met[partners] = True
        self.counts.rows += len(place)
        self.counts.partnered += len(partners)


def side_table(files: Sequence[SourceFile], preset: Preset) -> SideTable:
    """The side files as one table in memory.

    Raises:
        InputError: a file lacks the key or holds a broken row, or a key comes twice with other values.
        ValueError: the preset joins nothing.
    """
    join = preset.join
    if join is None:
        raise ValueError("side files belong to a preset with a join, this one has none")
    parts = [_whole_file(file, join.on, preset) for file in files]
    table = pa.concat_tables(parts, promote_options="default").combine_chunks()
    column = table.column(next(name for name in join.on if name in table.column_names))
    whole_numbers = join.whole_numbers or is_number(column.type)
    keys = _key_text(column, whole_numbers=whole_numbers)
    table, keys, repeats = _without_repeats(table, keys, files[0].place, join.on[0])
    table, absent = _with_absent_labels(table, preset)
    counts = JoinCounts(np.zeros(len(keys), np.bool_))
    return SideTable(join.on, keys, table, whole_numbers, absent, repeats, counts)


def joined_batches(
    file: SourceFile,
    *,
    needed: Sequence[str],
    own: Sequence[str],
    read: Callable[..., Iterator[SourceBatch]],
    side: SideTable,
) -> Iterator[SourceBatch]:
    """The records of a file with the columns of a side table beside its own.

    Args:
        file: of transactions.
        needed: columns to give.
        own: columns that the file itself has.
        read: gives its records, only the `columns` asked for.
        side: where the other columns come from.

    Raises:
        InputError: the file has no key to be joined on, or is damaged.
    """
    mine = [name for name in needed if name in own]
    further = [name for name in needed if name not in own]
    key = next((name for name in side.key if name in own), None)
    if key is None:
        raise InputError(f"{file.place}: must hold {_either(side.key)} to be joined on")
    for batch in read(columns=list(dict.fromkeys([*mine, key]))):
        added = side.of(batch.table, further)
        columns = [*batch.table.select(mine).columns, *added.columns]
        yield SourceBatch(pa.table(columns, names=[*mine, *further]), batch.row, batch.broken, batch.spare_lines)


def check_partners(side: SideTable) -> None:
    """Stop where not one row found its partner: the keys are spelled otherwise.

    Raises:
        InputError: none did.
    """
    if side.counts.rows and not side.counts.partnered:
        raise InputError(
            f"the joined file must hold rows of the transactions, but none of {len(side.keys):,} keys in "
            f"{side.key[0]!r} is among theirs: are they spelled alike? join.whole_numbers makes 015, 15.0 and 15 one"
        )


def join_warnings(side: SideTable) -> Iterator[str]:
    """What a reader must know of the partners that were not found."""
    lonely = int((~side.counts.met).sum())
    if lonely:
        share = side.counts.partnered / max(side.counts.rows, 1)
        yield (
            f"{lonely:,} of the {len(side.keys):,} keys of the joined file are of no transaction; "
            f"{share:.2%} of the transactions found a partner"
        )
    if side.repeats:
        yield f"{side.repeats:,} rows of the joined file repeat another one and were left out"


def _whole_file(file: SourceFile, key: Sequence[str], preset: Preset) -> pa.Table:
    layout = {"delimiter": preset.delimiter, "encoding": preset.encoding}
    names = header(file, **layout).names
    if not set(key) & set(names):
        raise InputError(f"{file.place}: must hold {_either(key)}, which it is joined on")
    batches = list(source_batches(file, columns=names, **layout))
    broken = [number for batch in batches for number, _ in batch.broken]
    if broken:
        raise InputError(
            f"{file.place}: every row must have {len(names)} fields and a line break, row {broken[0]} has not"
        )
    return pa.concat_tables([batch.table for batch in batches])


def _without_repeats(table: pa.Table, keys: pa.Array, place: str, name: str) -> tuple[pa.Table, pa.Array, int]:
    """Each key once; a row that comes again as it was is no second one."""
    if len(pc.unique(keys)) == len(keys):
        return table, keys, 0
    frame = table.append_column("", keys).to_pandas(types_mapper=pd.ArrowDtype)
    stays = pa.array(~frame.duplicated().to_numpy(bool))
    repeats = len(keys) - pc.sum(stays).as_py()
    table, keys = table.filter(stays), keys.filter(stays)
    again = len(keys) - len(pc.unique(keys))
    if again:
        raise InputError(f"{place}: {name!r} must be unique, it has {again} repeats that differ")
    return table, keys, repeats


def _with_absent_labels(table: pa.Table, preset: Preset) -> tuple[pa.Table, dict[str, str]]:
    """The joined labels as text, and the word that stands for a transaction that has none."""
    if preset.label.absent == "unknown":
        return table, {}
    name = next((name for name in preset.label.column if name in table.column_names), None)
    if name is None:
        raise InputError(
            f"label.absent speaks of a joined label, but the joined file has no {preset.label.column[0]!r}"
        )
    text = text_values(decoded(table.column(name))[0], quotes=preset.quotes)
    return table.set_column(table.column_names.index(name), name, text), {name: preset.label.no[0]}


def _key_text(column: pa.ChunkedArray, *, whole_numbers: bool) -> pa.Array:
    text = text_values(decoded(column)[0])
    return _whole_numbers(text) if whole_numbers else text


def _whole_numbers(text: pa.Array) -> pa.Array:
    """Numbers without leading zeros and without a fraction of nothing."""
    return pc.replace_substring_regex(text, r"^0*([0-9]+?)(?:\.0+)?$", r"\1")


def _either(names: Sequence[str]) -> str:
    return " or ".join(map(repr, names))
