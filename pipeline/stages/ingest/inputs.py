"""What one ingest reads: files or a simulation, each with its columns and, where the preset joins, a side table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import PurePosixPath

import pyarrow as pa

from features.schema.column_plan import ColumnPlan, column_plan
from features.schema.preset import Preset
from pipeline.reading.batches import header, source_batches, table_batches
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile, source_files
from pipeline.sections import SIMULATE, DataConfig
from pipeline.stages.ingest.column_faults import PlannedFile, check_columns
from pipeline.stages.ingest.side_table import SideTable, joined_batches, side_table
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class Input:
    """One source: its name in reports, its columns, a fresh stream of its records, and what is joined to them."""

    name: str
    plan: ColumnPlan
    batches: Callable[[], Iterator[SourceBatch]]
    side: SideTable | None = None


def source_inputs(data: DataConfig, *, preset: Preset, simulate: Callable[[int, int], pa.Table]) -> tuple[Input, ...]:
    """Everything that section [data] names, in source order.

    Raises:
        InputError: files or columns are missing; every fault of every file at once.
    """
    if data.source == SIMULATE:
        return (_simulated(simulate(data.rows, data.seed), preset),)
    files, beside = _side_files(source_files(data.source), preset)
    side = side_table(beside, preset) if beside else None
    planned = [_planned(file, preset, side) for file in files]
    check_columns(planned)
    return tuple(
        Input(file.name, plan.plan, partial(_batches, file, plan, preset, side), side)
        for file, plan in zip(files, planned, strict=True)
    )


def _simulated(table: pa.Table, preset: Preset) -> Input:
    plan = column_plan(preset, table.schema.names)
    check_columns([PlannedFile(SIMULATE, plan, table.schema, tuple(table.schema.names))])
    return Input(SIMULATE, plan, partial(table_batches, table, columns=plan.needed))


def _side_files(files: Sequence[SourceFile], preset: Preset) -> tuple[list[SourceFile], list[SourceFile]]:
    """Files of transactions, and files that the preset joins to them."""
    join = preset.join
    beside = [file for file in files if join is not None and fnmatchcase(PurePosixPath(file.name).name, join.files)]
    main = [file for file in files if file not in beside]
    if not main:
        raise InputError(f"data.source must name a file of transactions, got {beside[0].name} alone")
    return main, beside


def _planned(file: SourceFile, preset: Preset, side: SideTable | None) -> PlannedFile:
    schema = header(file, delimiter=preset.delimiter, encoding=preset.encoding)
    further = side.columns(schema.names) if side is not None else []
    fields = [side.table.schema.field(name) for name in further] if side is not None else []
    plan = column_plan(preset, [*schema.names, *further])
    return PlannedFile(file.place, plan, pa.schema([*schema, *fields]), tuple(schema.names))


def _batches(file: SourceFile, planned: PlannedFile, preset: Preset, side: SideTable | None) -> Iterator[SourceBatch]:
    needed, own = planned.plan.needed, planned.own
    read = partial(source_batches, file, delimiter=preset.delimiter, encoding=preset.encoding)
    if side is None:
        return read(columns=[name for name in needed if name in own])
    return joined_batches(file, needed=needed, own=own, read=read, side=side)
