"""Point-in-time features of a table of transactions, exactly as a specification describes them.

Each entity's rows are put into chunks of whole groups once. A chunk, which fits the cache, is put in order of its
groups, yields all columns of the entity, and puts them back in order of time; then the columns are brought back to row
order. A group's values depend on its own rows alone, so neither threads, nor row order, nor partitions by entity change
a bit. Where an aggregate asks about other groups, what they have to say is told of each row beforehand
(`fraud_elsewhere`): its columns need the whole table, and bear no partition.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import InputError
from features.windows import ordering
from features.windows.calendar import CALENDAR
from features.windows.chunk import EVER, Chunk, Window
from features.windows.compilation import keep_compiled_loops
from features.windows.ended_labels import ended_labels, in_order_of_places
from features.windows.fraud_elsewhere import ended_frauds, known_elsewhere
from features.windows.groups import (
    ChunkRows,
    Groups,
    fill_in_row_order,
    in_chunk_order,
    over_blocks,
    put_in_chunk_order,
)
from features.windows.source_arrays import Source
from features.windows.spec import FeatureColumn, FeatureSpec
from features.windows.workers import Scratch, Workers

MAX_ROWS = 2**31 - 1
"""Places of rows are int32."""


def window_features(transactions: pa.Table, *, spec: FeatureSpec, threads: int) -> pa.Table:
    """The feature columns of `spec`, row by row beside `transactions`, whatever the order of its rows.

    Counts are int32 and null where the entity is null; other numbers are float32 with NaN for missing; categories are
    strings.

    Args:
        transactions: canonical columns: event_time timestamp[us], amount, amount_minor, and what `spec` names.
        spec: the columns to produce.
        threads: how many threads work; the values do not depend on it.

    Raises:
        InputError: a column is missing or of the wrong type, an amount is negative, a sum needs more than 63 bits, or
            there are 2^31 rows or more.
    """
    _check_table(transactions, spec)
    keep_compiled_loops()
    with Workers(threads) as workers:
        source = Source(transactions, workers)
        made = _window_columns(source, spec)
        made |= {column.name: _row_feature(source, column) for column in spec.columns if not column.entity}
    return pa.table({name: made[name] for name in spec.names})


def window_of(column: FeatureColumn, *, horizon: int | None) -> Window:
    """The window of an entity's column; of one that takes none, the horizon, or all the past."""
    if column.window is not None:
        return Window(column.window, column.closed == "right")
    return EVER if horizon is None else Window(horizon)


def _window_columns(source: Source, spec: FeatureSpec) -> dict[str, pa.Array | pa.ChunkedArray]:
    """All columns of all entities, one entity after the other, so that what only one of them needs is let go."""
    source.read_texts({name for entity in spec.entities for name in entity})
    made: dict[str, pa.Array | pa.ChunkedArray] = {}
    spare = np.empty(source.table.num_rows, np.int32)
    for done, entity in enumerate(spec.entities):
        left = spec.entities[done:]
        source.forget(but=left, reads={column.of for column in spec.columns if column.entity in left})
        columns = [column for column in spec.columns if column.entity == entity]
        finished, spare = _entity_features(source, entity, columns, spec, spare)
        made |= finished
    return made


def _entity_features(
    source: Source,
    entity: tuple[str, ...],
    columns: Sequence[FeatureColumn],
    spec: FeatureSpec,
    spare: NDArray[np.int32],
) -> tuple[dict[str, pa.Array], NDArray[np.int32]]:
    """The columns by name, and memory for one more that is spare now as `spare` was before."""
    groups = source.groups(entity)
    read = _columns_by_chunk(source, groups, columns)
    counts = {name: source.codes((name,)).count for name in read if name.endswith("_id")}
    elsewhere = _elsewhere_by_chunk(source, groups, columns)
    with_ends = _ends_by_chunk(source, groups, columns)
    made = [np.empty(len(groups.places), np.int32) for _ in columns]

    def fill(rows: ChunkRows) -> None:
        with source.workers.scratch() as scratch:
            ranks = rows.ranks(scratch)
            ordered = {name: rows.in_group_order(values, ranks, scratch) for name, values in read.items()}
            known = {name: rows.in_group_order(values, ranks, scratch) for name, values in elsewhere.items()}
            chunk = with_ends(_chunk(ordered, known, rows.starts, counts, scratch), rows, ranks)
            for column, values in zip(columns, made, strict=True):
                _fill(values.view(column.dtype)[rows.places], chunk, column, ranks, spec)

    source.workers.map(fill, groups.chunks)
    read.clear()
    elsewhere.clear()
    return _columns_in_row_order(source, made, groups, columns, spare)


def _columns_by_chunk(source: Source, groups: Groups, columns: Sequence[FeatureColumn]) -> dict[str, NDArray[Any]]:
    """What the columns read, in (chunk, time) order."""
    needed = {column.of for column in columns}
    values: dict[str, NDArray[Any]] = {"time": source.time}
    if "amount" in needed:
        values["amount"] = source.amount
    values |= {name: source.codes((name,)).values for name in needed if name and name.endswith("_id")}
    read = {name: in_chunk_order(value, groups, workers=source.workers) for name, value in values.items()}
    if "label" in needed:
        read["label"] = put_in_chunk_order(source.label_keys, np.dtype(np.int64), groups, workers=source.workers)
    return read


def _elsewhere_by_chunk(
    source: Source, groups: Groups, columns: Sequence[FeatureColumn]
) -> dict[str, NDArray[np.int64]]:
    """When frauds of other groups became known, per entity that columns follow there, in (chunk, time) order."""
    others = {column.of: column.entity for column in columns if column.needs == "all" and column.of}
    return {
        other.removesuffix("_id"): in_chunk_order(
            known_elsewhere(source, entity=entity, other=other), groups, workers=source.workers
        )
        for other, entity in others.items()
    }


def _ends_by_chunk(
    source: Source, groups: Groups, columns: Sequence[FeatureColumn]
) -> Callable[[Chunk, ChunkRows, NDArray[np.int32]], Chunk]:
    """How a chunk is given, with its rows and their ranks, what it holds of labels that hold no more."""
    if source.earlier is None:
        return lambda chunk, _, __: chunk
    placed = in_order_of_places(source.earlier, groups)
    others = {column.of: column.entity for column in columns if column.needs == "all" and column.of}
    elsewhere = {
        other.removesuffix("_id"): ended_frauds(source, entity=entity, other=other) for other, entity in others.items()
    }

    def with_ends(chunk: Chunk, rows: ChunkRows, ranks: NDArray[np.int32]) -> Chunk:
        frauds = {
            name: ended._replace(group=ended.group - rows.first)
            for name, ended in elsewhere.items()
            if ended is not None
        }
        return replace(chunk, ended_labels=ended_labels(placed, rows, ranks), ended_elsewhere=frauds)

    return with_ends


def _chunk(
    values: dict[str, NDArray[Any]],
    elsewhere: dict[str, NDArray[np.int64]],
    starts: NDArray[np.int32],
    counts: dict[str, int],
    scratch: Scratch,
) -> Chunk:
    nothing = np.empty(0, np.int64)
    return Chunk(
        time=values["time"],
        starts=starts,
        amount=values.get("amount", nothing),
        label_keys=values.get("label", nothing),
        other={name.removesuffix("_id"): (values[name], count) for name, count in counts.items()},
        elsewhere=elsewhere,
        scratch=scratch,
    )


def _fill(made: NDArray[Any], chunk: Chunk, column: FeatureColumn, ranks: NDArray[np.int32], spec: FeatureSpec) -> None:
    """Fill a column of a chunk in order of time."""
    aggregate = column.entity_aggregate
    assert aggregate is not None, "a specification knows the aggregates of its columns"
    values = aggregate.values(chunk, window_of(column, horizon=spec.horizon))
    if aggregate.money:
        ordering.gather_quotients(values, ranks, np.float64(spec.amount_scale), made)
    else:
        ordering.gather(values, ranks, values.dtype.type(0), made)


def _columns_in_row_order(
    source: Source,
    made: list[NDArray[np.int32]],
    groups: Groups,
    columns: Sequence[FeatureColumn],
    spare: NDArray[np.int32],
) -> tuple[dict[str, pa.Array], NDArray[np.int32]]:
    """Each column is brought into the memory of the one before, of which nothing is needed any more.

    Fresh memory costs more than the values it is for.
    """
    nulls = groups.places < 0 if groups.rows < len(groups.places) else None
    finished = {}
    for column, ordered in zip(columns, made, strict=True):
        values = spare.view(column.dtype)
        missing = values.dtype.type(0 if column.dtype == "int32" else np.nan)
        fill_in_row_order(values, ordered.view(column.dtype), groups, missing=missing, workers=source.workers)
        finished[column.name] = pa.array(values, mask=nulls if column.dtype == "int32" else None)
        spare = ordered
    return finished, spare


def _row_feature(source: Source, column: FeatureColumn) -> pa.Array | pa.ChunkedArray:
    """A column that needs no other row."""
    if column.aggregate in CALENDAR:
        return _calendar_feature(source, column.aggregate)
    values = source.table[column.of]
    if column.kind == "categorical":
        return pc.cast(values, pa.string())
    return pc.fill_null(pc.cast(values, pa.float32(), safe=False), float("nan"))


def _calendar_feature(source: Source, name: str) -> pa.Array:
    values = np.empty(len(source.time), np.float32)

    def fill(rows: slice) -> None:
        values[rows] = CALENDAR[name](source.time[rows])

    over_blocks(fill, len(values), source.workers)
    return pa.array(values)


def _check_table(transactions: pa.Table, spec: FeatureSpec) -> None:
    needed = {"event_time"} | {name for column in spec.columns for name in _columns_read(column)}
    faults = [f"'{name}': missing" for name in sorted(needed - set(transactions.column_names))]
    faults += _time_faults(transactions, needed)
    if transactions.num_rows > MAX_ROWS:
        faults.append(f"rows: must be at most 2^31 - 1, got {transactions.num_rows}")
    if faults:
        plural = "s" * (len(faults) > 1)
        raise InputError("\n  ".join([f"{len(faults)} fault{plural} in the table of transactions", *faults]))


def _columns_read(column: FeatureColumn) -> set[str]:
    of = "amount_minor" if column.entity and column.of == "amount" else column.of
    labels = ("label", "label_available_at") if column.needs == "all" else ()
    return {name for name in (of, column.clock, *column.entity, *labels) if name}


def _time_faults(transactions: pa.Table, needed: set[str]) -> list[str]:
    faults = []
    for name in sorted(needed & {"event_time", "label_available_at"} & set(transactions.column_names)):
        kind = transactions.schema.field(name).type
        if not (pa.types.is_timestamp(kind) and kind.unit == "us"):
            faults.append(f"'{name}': must be timestamp[us], got {kind}")
    if "event_time" in transactions.column_names and transactions["event_time"].null_count:
        faults.append(f"'event_time': must not be null, got {transactions['event_time'].null_count} null rows")
    return faults
