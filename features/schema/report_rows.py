"""Rows of a chargeback feed read: key, moment and outcome, or why a row cannot be used."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.canonical_columns import Columns, readable_times, role_columns, source_times
from features.schema.chargeback_reports import WITHDRAWN, Ints, ReportRows
from features.schema.column_plan import ColumnPlan
from features.schema.entity_ids import entity_ids
from features.schema.faults import Faults, Mask, Parsed, marked_rows, merged_masks
from features.schema.instants import NOT_A_TIME
from features.schema.preset import Chargebacks, Preset
from features.schema.values import binary_labels
from features.times import datetime_microseconds


def report_rows(
    raw: pa.Table, *, preset: Preset, feed: Chargebacks, plan: ColumnPlan, as_of: int | None
) -> tuple[ReportRows, Faults, int]:
    """The reports of a batch of feed rows that can be read, the faults of the others, and how many came after as-of.

    Args:
        raw: source columns, at least those that the plan needs.
        preset: how its files are written.
        feed: how reports are read.
        plan: which column fills which role.
        as_of: microseconds since 1970; later reports do not exist yet. None: all do.
    """
    read, quotes = role_columns(raw, plan, encoding=preset.encoding), preset.quotes
    columns, rows = read.values, raw.num_rows
    ids = entity_ids(
        columns, name="transaction_id", spec=feed.transaction_id, elapsed=np.zeros(rows, np.int64), quotes=quotes
    )
    assert ids is not None, "a plan that lacks nothing has the key"
    times = source_times(columns, "reported_at", feed.reported_at, quotes, day_ends=True)
    at = readable_times(times, "reported_at", required=True)
    outcome = _outcomes(columns, rows, feed, quotes)
    blank = pc.is_null(ids.values).to_numpy(zero_copy_only=False) & ~marked_rows(ids.faults, rows)
    span = _outside(at.values, feed)
    masks = merged_masks(
        [read.faults, ids.faults, {"transaction_id: must not be blank": blank}, at.faults, span, outcome.faults]
    )
    later = np.zeros(rows, bool) if as_of is None else (at.values > as_of)
    faults = Faults(rows, {reason: mask & ~later for reason, mask in masks.items() if (mask & ~later).any()})
    keys = pc.cast(ids.values, pa.string())
    reports = ReportRows(keys, at.values, outcome.values, times.midnight)
    return reports.where(~later & ~faults.any()), faults, int(later.sum())


def _outcomes(columns: Columns, rows: int, feed: Chargebacks, quotes: str) -> Parsed[NDArray[np.int8]]:
    if feed.outcome is None:
        return Parsed(np.ones(rows, np.int8), {})
    read = binary_labels(columns["outcome"], yes=feed.outcome.yes, no=feed.outcome.no, quotes=quotes)
    outcome: NDArray[np.int8] = pc.fill_null(read.values, WITHDRAWN).to_numpy(zero_copy_only=False)
    words = "/".join(feed.outcome.yes) + " or " + "/".join(feed.outcome.no)
    return Parsed(outcome, {f"outcome: must be {words}, or blank": mask for mask in read.faults.values()})


def _outside(at: Ints, feed: Chargebacks) -> dict[str, Mask]:
    """Moments that cannot be: the wrong unit, or a placeholder for "never"."""
    times = feed.reported_at
    earliest = times.origin if times.kind == "elapsed" else times.earliest
    first, last = datetime_microseconds(earliest), datetime_microseconds(times.latest)
    span = f"{earliest:%Y-%m-%d} and {times.latest:%Y-%m-%d}"
    outside = (at != NOT_A_TIME) & ((at < first) | (at > last))
    return {f"reported_at: must lie between {span}, is the unit right?": outside}
