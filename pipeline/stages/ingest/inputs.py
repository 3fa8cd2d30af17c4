"""What one ingest job reads: files or a simulation, each with its columns and, where the preset joins, a side file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.column_plan import ColumnPlan, column_plan
from features.schema.preset import Join, Preset
from features.schema.values import decoded, text_values
from pipeline.sections import SIMULATE, DataConfig
from pipeline.stages.ingest.batches import SourceBatch, header, source_batches, table_batches
from pipeline.stages.ingest.sources import SourceFile, source_files
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class Input:
    """One source: its name in reports, its columns, and a fresh stream of its records."""

    name: str
    plan: ColumnPlan
    batches: Callable[[], Iterator[SourceBatch]]


def source_inputs(data: DataConfig, *, preset: Preset, simulate: Callable[[int, int], pa.Table]) -> tuple[Input, ...]:
    """Everything that section [data] names, in source order.

    Raises:
        InputError: files or columns are missing; every fault of every file at once.
    """
    if data.source == SIMULATE:
        table = simulate(data.rows, data.seed)
        plan = column_plan(preset, table.schema.names)
        _check_columns([(SIMULATE, plan, table.schema)])
        return (Input(SIMULATE, plan, partial(table_batches, table, columns=plan.needed)),)
    files = source_files(data.source)
    join = preset.join
    beside = [file for file in files if join is not None and fnmatchcase(PurePosixPath(file.name).name, join.files)]
    files = tuple(file for file in files if file not in beside)
    if not files:
        raise InputError(f"data.source must name a file of transactions, got {beside[0].name} alone")
    side = _side_table(beside, join, preset) if join is not None and beside else None
    schemas = [header(file, delimiter=preset.delimiter) for file in files]
    names = [[*schema.names, *(side.columns(schema.names) if side else ())] for schema in schemas]
    plans = [column_plan(preset, available) for available in names]
    _check_columns([(f.place, plan, schema) for f, plan, schema in zip(files, plans, schemas, strict=True)])
    return tuple(
        Input(file.name, plan, partial(_batches, file, plan, schema.names, preset.delimiter, side))
        for file, plan, schema in zip(files, plans, schemas, strict=True)
    )


@dataclass(frozen=True)
class SideTable:
    """Further columns of the transactions, looked up by a key."""

    key: tuple[str, ...]
    keys: pa.Array
    table: pa.Table

    def columns(self, held: list[str]) -> list[str]:
        """Columns that this table adds to a file that holds some already."""
        return [name for name in self.table.column_names if name not in held and name not in self.key]

    def of(self, batch: pa.Table, columns: list[str]) -> pa.Table:
        """The further columns of these rows, null where the side table has none."""
        key = next(name for name in self.key if name in batch.column_names)
        place = pc.index_in(text_values(decoded(batch.column(key))[0]), value_set=self.keys)
        return self.table.select(columns).take(place)


def _side_table(files: list[SourceFile], join: Join, preset: Preset) -> SideTable:
    parts = []
    for file in files:
        names = header(file, delimiter=preset.delimiter).names
        if not set(join.on) & set(names):
            raise InputError(f"{file.place}: must hold {' or '.join(map(repr, join.on))}, which it is joined on")
        batches = list(source_batches(file, columns=names, delimiter=preset.delimiter))
        broken = [number for batch in batches for number, _ in batch.broken]
        if broken:
            raise InputError(
                f"{file.place}: every row must have {len(names)} fields and a line break, row {broken[0]} has not"
            )
        parts.append(pa.concat_tables([batch.table for batch in batches]))
    table = pa.concat_tables(parts, promote_options="default").combine_chunks()
    keys = text_values(decoded(table.column(next(name for name in join.on if name in table.column_names)))[0])
    if len(pc.unique(keys)) < len(keys):
        raise InputError(
            f"{files[0].place}: {join.on[0]!r} must be unique, it has {len(keys) - len(pc.unique(keys))} repeats"
        )
    return SideTable(join.on, keys, table)


def _batches(
    file: SourceFile, plan: ColumnPlan, own: list[str], delimiter: str, side: SideTable | None
) -> Iterator[SourceBatch]:
    mine = [name for name in plan.needed if name in own]
    if side is None:
        yield from source_batches(file, columns=mine, delimiter=delimiter)
        return
    further = [name for name in plan.needed if name not in own]
    key = next((name for name in side.key if name in own), None)
    if key is None:
        raise InputError(f"{file.place}: must hold {' or '.join(map(repr, side.key))} to be joined on")
    for batch in source_batches(file, columns=list(dict.fromkeys([*mine, key])), delimiter=delimiter):
        added = side.of(batch.table, further)
        whole: dict[str, Any] = {name: batch.table.column(name) for name in mine} | {
            name: added.column(name) for name in further
        }
        yield SourceBatch(pa.table(whole), batch.row, batch.broken, batch.spare_lines)


def _check_columns(files: list[tuple[str, ColumnPlan, pa.Schema]]) -> None:
    """Stop on columns that must be there, must be flat, and must be the same in all files."""
    faults = []
    for name, plan, schema in files:
        nested = [
            source for source in plan.needed if source in schema.names and pa.types.is_nested(schema.field(source).type)
        ]
        if plan.missing:
            others = ", ".join(map(repr, plan.ignored[:12])) or "none"
            faults.append(f"{_columns(len(plan.missing))} missing in {name}")
            faults.append(f"  missing: {', '.join(map(repr, plan.missing))}; columns that nobody names: {others}")
        if nested:
            faults.append(f"{_columns(len(nested))} of the wrong type in {name}")
            faults += [f"  {source!r}: must hold plain values, got {schema.field(source).type}" for source in nested]
        if set(plan.columns) != set(files[0][1].columns) and not (plan.missing or files[0][1].missing):
            only = sorted(set(plan.columns) ^ set(files[0][1].columns))
            faults.append(f"{name} and {files[0][0]} must hold the same columns")
            faults.append(f"  in one of them only: {', '.join(map(repr, only))}")
    if faults:
        raise InputError("\n".join(faults))


def _columns(count: int) -> str:
    return f"{count} column{'s' * (count > 1)}"
