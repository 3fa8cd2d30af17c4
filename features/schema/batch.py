"""The canonical transaction: its rules, and the reading of one batch of source rows into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.canonical_columns import (
    Ints,
    Reading,
    availability,
    category_columns,
    entity_columns,
    number_columns,
    readable_times,
    role_columns,
    source_amounts,
    source_labels,
    source_times,
    transaction_ids,
)
from features.schema.event_times import NOT_A_TIME
from features.schema.faults import Faults, Mask
from features.schema.preset import Preset
from features.schema.values import EXACT_FLOAT, minor_units

MOMENT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class CanonicalBatch:
    """One batch of source rows after reading and judging.

    Attributes:
        accepted: canonical rows.
        kept: place in the source batch of each accepted row [accepted].
        rejected: place in the source batch of each quarantined row [quarantined].
        reasons: list of reasons of each quarantined row [quarantined].
        after_as_of: rows that were left out because they lie after as-of.
        counts: what was changed or held back on the way, by name.
    """

    accepted: pa.Table
    kept: Ints
    rejected: Ints
    reasons: pa.Array
    after_as_of: int
    counts: Mapping[str, int] = field(default_factory=dict)


def canonical_schema(preset: Preset) -> pandera.DataFrameSchema:
    """The rules of a row that could be read, each check's `error` being the reason told to the user."""
    time, largest = preset.event_time, EXACT_FLOAT // preset.amount.scale
    earliest = time.origin if time.kind == "elapsed" else time.earliest
    first, last = (pd.Timestamp(moment.replace(tzinfo=None)).as_unit("us") for moment in (earliest, time.latest))
    span = f"event_time: must lie between {earliest:%Y-%m-%d} and {time.latest:%Y-%m-%d}, is the unit right?"
    amount = "amount: must be a finite number ≥ 0"
    early = "label_available_at: must not lie before event_time"
    return pandera.DataFrameSchema(
        {
            "event_time": pandera.Column("datetime64[us]", pandera.Check.in_range(first, last, error=span)),
            "amount": pandera.Column(
                "float64",
                [
                    pandera.Check(lambda values: np.isfinite(values) & (values >= 0), error=amount),
                    pandera.Check(
                        lambda values: ~np.isfinite(values) | (values <= largest),
                        error=f"amount: must be at most {largest}",
                    ),
                ],
            ),
            "label": pandera.Column("int8", pandera.Check.isin([-1, 0, 1], error="label: must be 0, 1 or blank")),
            "label_available_at": pandera.Column("datetime64[us]"),
        },
        checks=pandera.Check(lambda frame: frame["label_available_at"] >= frame["event_time"], error=early),
    )


def canonical_batch(raw: pa.Table, *, reading: Reading, row_ids: Ints) -> CanonicalBatch:
    """Read and judge one batch; every row is accepted, quarantined with reasons, or left out as later than as-of.

    Args:
        raw: source columns, text or typed, at least those that the plan needs.
        reading: preset and settings.
        row_ids: transaction ids to use where the source has none [N].

    Returns:
        The batch; `len(accepted) + len(rejected) + after_as_of` is the number of rows in `raw`.
    """
    faults, preset = Faults(raw.num_rows), reading.preset
    columns = role_columns(raw, reading.plan, faults)
    event = source_times(columns, "event_time", preset.event_time, preset.quotes)
    kept = (
        np.flatnonzero((event.micros <= reading.as_of) | (event.micros == NOT_A_TIME))
        if reading.as_of is not None
        else row_ids
    )
    if len(kept) < raw.num_rows:
        part = canonical_batch(raw.take(pa.array(kept)), reading=reading, row_ids=row_ids[kept])
        return CanonicalBatch(
            part.accepted, kept[part.kept], kept[part.rejected], part.reasons, raw.num_rows - len(kept), part.counts
        )
    time = readable_times(event, "event_time", faults, required=True)
    table, counts = _canonical_columns(columns, reading, time, row_ids, faults)
    bad = faults.any()
    accepted = table.filter(pa.array(~bad)) if bad.any() else table
    return CanonicalBatch(
        accepted, np.flatnonzero(~bad), np.flatnonzero(bad), faults.reasons(), 0, {"naive_times": event.naive, **counts}
    )


def _canonical_columns(
    columns: Mapping[str, pa.Array], reading: Reading, time: Ints, row_ids: Ints, faults: Faults
) -> tuple[pa.Table, dict[str, int]]:
    """All canonical columns, in order; rows that are at fault hold placeholders and are marked in `faults`."""
    preset = reading.preset
    ids = transaction_ids(columns, preset, row_ids, faults)
    entities = dict(entity_columns(columns, reading, time, faults))
    source, amount = source_amounts(columns["amount"], preset, faults)
    label, masked = source_labels(columns["label"], time, preset, faults)
    available = availability(columns, reading, time, label, faults)
    texts = dict(category_columns(columns, preset))
    figures = dict(number_columns(columns, preset, faults))
    refund = amount < 0
    if preset.amount.refund is not None:
        texts[preset.amount.refund] = pa.array(np.where(refund, "true", "false"), pa.string())
        amount = np.abs(amount)
    _judge(
        {"event_time": time, "amount": amount, "label": label, "label_available_at": available},
        reading.rules,
        faults,
    )

    bad = faults.any()
    minor, rounded = minor_units(
        pc.if_else(pa.array(bad), None, source), np.where(bad, 0.0, amount), scale=preset.amount.scale
    )
    held_back = (
        (available > reading.as_of) & (label >= 0) & ~bad if reading.as_of is not None else np.zeros(len(bad), bool)
    )
    unknown = (label < 0) | held_back
    table = {
        "transaction_id": ids,
        "event_time": _moments(time),
        **entities,
        "amount": pa.array(minor / preset.amount.scale),
        "amount_minor": pa.array(minor),
        "label": pa.array(label, mask=unknown),
        "label_available_at": _moments(available, mask=unknown),
        **texts,
        **{name: pa.array(values) for name, values in figures.items()},
    }
    counts = {
        "amounts_rounded": int(rounded.sum()),
        "refunds": int((refund & ~bad).sum()) if preset.amount.refund is not None else 0,
        "fraud_labels_not_yet_available": int((held_back & (label == 1)).sum()),
        "legitimate_labels_not_yet_available": int((held_back & (label == 0)).sum()),
        **{f"labels_masked: {reason}": int((rows & ~bad).sum()) for reason, rows in masked.items()},
    }
    return pa.table(table), counts


def _judge(columns: Mapping[str, NDArray[np.generic]], rules: pandera.DataFrameSchema, faults: Faults) -> None:
    """Put the rows that break a rule into the faults; a column already at fault in a row is not judged twice there."""
    known = ~faults.of("event_time")
    neutral = rules.columns["event_time"].checks[0].statistics["min_value"].to_datetime64()
    moments = {
        name: np.where(known, columns[name].astype("datetime64[us]"), neutral)
        for name in ("event_time", "label_available_at")
    }
    frame = pd.DataFrame({**columns, **moments})
    try:
        rules.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        for reason, cases in broken.failure_cases.groupby("check"):
            rows = np.zeros(faults.rows, bool)
            rows[cases["index"].to_numpy(np.int64)] = True
            faults.add(str(reason), rows)


def _moments(micros: Ints, mask: Mask | None = None) -> pa.Array:
    return pa.array(micros, pa.int64(), mask=mask).cast(MOMENT)
