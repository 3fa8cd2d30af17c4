"""Point-in-time features of a table of transactions, exactly as a specification describes them.

Each entity's rows are put into (group, time) order once. Groups are then cut into chunks that fit the cache, each chunk
yields all columns of the entity, and the columns are brought back to row order. A chunk holds whole groups and a
group's values depend on its own rows alone, so neither threads, nor row order, nor partitions by entity change a bit.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.calendar import CALENDAR
from features.chunk import Chunk, Window
from features.compilation import keep_compiled_loops
from features.groups import Groups, fill_in_row_order, group_chunks, in_group_order, over_blocks
from features.source import Source
from features.spec import FeatureColumn, FeatureSpec

CHUNK_ROWS = 1 << 16
"""Rows of a chunk: few enough that its columns stay in cache, enough that calling a loop costs nothing."""

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
        ValueError: a column is missing or of the wrong type, an amount is negative, a sum needs more than 63 bits, or
            there are 2^31 rows or more.
    """
    _check_table(transactions, spec)
    keep_compiled_loops()
    made: dict[str, pa.Array | pa.ChunkedArray] = {}
    with ThreadPoolExecutor(threads) as pool:
        source = Source(transactions, pool)
        source.prepare(spec.entities)
        for entity in spec.entities:
            columns = [column for column in spec.columns if column.entity == entity]
            made |= _entity_features(source, entity, columns, spec.amount_scale)
        made |= {column.name: _row_feature(source, column) for column in spec.columns if not column.entity}
    return pa.table({name: made[name] for name in spec.names})


def _entity_features(
    source: Source, entity: tuple[str, ...], columns: Sequence[FeatureColumn], amount_scale: int
) -> dict[str, pa.Array]:
    groups = source.groups(entity)
    ordered = _ordered_columns(source, groups, columns)
    counts = {name: source.codes((name,)).count for name in ordered if name.endswith("_id")}
    made = [np.empty(len(groups.rank), np.int32) for _ in columns]

    def fill(chosen: tuple[int, int]) -> None:
        starts = groups.starts[chosen[0] : chosen[1] + 1]
        rows = slice(int(starts[0]), int(starts[-1]))
        chunk = _chunk({name: values[rows] for name, values in ordered.items()}, starts, counts)
        for column, values in zip(columns, made, strict=True):
            values.view(column.dtype)[rows] = _values(chunk, column, amount_scale)

    for _ in source.pool.map(fill, group_chunks(groups, rows=CHUNK_ROWS)):
        pass
    ordered.clear()
    return _columns_in_row_order(source, made, groups, columns)


def _ordered_columns(source: Source, groups: Groups, columns: Sequence[FeatureColumn]) -> dict[str, NDArray[Any]]:
    """What the columns read, in (group, time) order."""
    needed = {column.of for column in columns}
    values: dict[str, NDArray[Any]] = {"time": source.time}
    if "amount" in needed:
        values["amount"] = source.amount
    if "label" in needed:
        values["label"] = source.label_keys
    values |= {name: source.codes((name,)).values for name in needed if name and name.endswith("_id")}
    return {name: in_group_order(value, groups, pool=source.pool) for name, value in values.items()}


def _chunk(values: dict[str, NDArray[Any]], starts: NDArray[np.int64], counts: dict[str, int]) -> Chunk:
    nothing = np.empty(0, np.int64)
    return Chunk(
        time=values["time"],
        starts=(starts - starts[0]).astype(np.int32),
        amount=values.get("amount", nothing),
        label_keys=values.get("label", nothing),
        other={name.removesuffix("_id"): (values[name], count) for name, count in counts.items()},
    )


def _values(chunk: Chunk, column: FeatureColumn, amount_scale: int) -> NDArray[Any]:
    aggregate = column.entity_aggregate
    assert aggregate is not None, "a specification knows the aggregates of its columns"
    values = aggregate.values(chunk, Window(column.window or 0, column.closed == "right"))
    return values / amount_scale if aggregate.money else values


def _columns_in_row_order(
    source: Source, made: list[NDArray[np.int32]], groups: Groups, columns: Sequence[FeatureColumn]
) -> dict[str, pa.Array]:
    """The columns by name; each is brought into the memory of the one before, of which nothing is needed any more."""
    nulls = groups.rank < 0 if groups.rows < len(groups.rank) else None
    free = np.empty(len(groups.rank), np.int32)
    finished = {}
    for column, ordered in zip(columns, made, strict=True):
        values, missing = free.view(column.dtype), np.dtype(column.dtype).type(0 if column.dtype == "int32" else np.nan)
        fill_in_row_order(values, ordered.view(column.dtype), groups, missing=missing, pool=source.pool)
        finished[column.name] = pa.array(values, mask=nulls if column.dtype == "int32" else None)
        free = ordered
    return finished


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

    over_blocks(fill, len(values), source.pool)
    return pa.array(values)


def _columns_read(column: FeatureColumn) -> set[str]:
    of = "amount_minor" if column.entity and column.of == "amount" else column.of
    return {name for name in (of, column.clock, *column.entity) if name}


def _check_table(transactions: pa.Table, spec: FeatureSpec) -> None:
    needed = {"event_time"} | {name for column in spec.columns for name in _columns_read(column)}
    faults = [f"'{name}': missing" for name in sorted(needed - set(transactions.column_names))]
    for name in sorted(needed & {"event_time", "label_available_at"} & set(transactions.column_names)):
        kind = transactions.schema.field(name).type
        if not (pa.types.is_timestamp(kind) and kind.unit == "us"):
            faults.append(f"'{name}': must be timestamp[us], got {kind}")
    if "event_time" in transactions.column_names and transactions["event_time"].null_count:
        faults.append(f"'event_time': must not be null, got {transactions['event_time'].null_count} null rows")
    if transactions.num_rows > MAX_ROWS:
        faults.append(f"rows: must be at most 2^31 - 1, got {transactions.num_rows}")
    if faults:
        plural = "s" * (len(faults) > 1)
        raise ValueError("\n  ".join([f"{len(faults)} fault{plural} in the table of transactions", *faults]))
