"""Source files in; canonical transactions, quarantine and a report out.

Two passes. The first streams the files through reading and rules and puts accepted rows aside on disk; only times, ids
and labels stay in memory. The second writes the rows in the order of their time.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.schema.canonical_columns import Reading
from features.schema.duplicates import KEPT, duplicate_reasons, lost_frauds, replaced_reasons, suspects
from features.schema.preset import Preset
from features.split import LabelsConfig
from pipeline.sections import DataConfig
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.hash_key import hash_key, hash_key_check
from pipeline.stages.ingest.chargeback_feed import chargeback_feed
from pipeline.stages.ingest.counted_report import counted_report
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.inputs import report_files, source_inputs
from pipeline.stages.ingest.lost_frauds import check_lost_frauds
from pipeline.stages.ingest.preset_files import load_preset, load_rates
from pipeline.stages.ingest.quarantine_limit import check_currencies, check_quarantined_share, check_some_rows
from pipeline.stages.ingest.second_pass import time_order, write_transactions
from pipeline.stages.ingest.side_table import check_partners
from pipeline.stages.ingest.spool import Spool
from pipeline.stages.ingest.whole_delivery import check_silence, delivery_warnings
from pipeline.storage.errors import InputError

LOST_COLUMNS = ("transaction_id", "label", "amount", "event_time")
"""What says what is lost with a row."""


def ingest_transactions(
    data: DataConfig,
    *,
    labels: LabelsConfig,
    as_of: int | None,
    simulate: Callable[[int, int], pa.Table],
    folder: Path,
    progress: Callable[[int], None] = lambda _: None,
    live: Preset | None = None,
) -> IngestReport:
    """Write the canonical transactions, sorted by time and then source order, and the quarantine; return the report.

    Args:
        data: section [data].
        labels: section [labels]: when a label counts as known where the data does not say, and which are opinions.
        as_of: microseconds since 1970: later rows are counted and left out, labels not available by then become null.
        simulate: (rows, seed) to a table in the columns of the preset `harbor`; called for `source = "simulate"`.
        folder: gets transactions.parquet and quarantine.parquet; it also holds a temporary file meanwhile.
        progress: told the number of rows after each batch.
        live: of rows that came live, in place of the preset that section [data] names: reports on them come later.

    Raises:
        InputError: a fault of the whole source (missing or damaged file, missing columns, too many bad rows, no rows).
    """
    preset = live or load_preset(data)
    inputs = source_inputs(data, preset=preset, simulate=simulate)
    files, allowed = report_files(data, preset), data.max_quarantined_share
    feed = chargeback_feed(files, preset=preset, as_of=as_of, allowed=allowed, required=live is None)
    reading = Reading(
        preset,
        inputs[0].plan,
        labels.delay,
        as_of,
        hash_key(data),
        labels.opinions,
        rates=load_rates(data, preset),
        reports=None if feed is None else feed.reports,
    )
    with Spool(folder / "transactions.parquet.spool.tmp") as spool:
        first = FirstPass(reading, spool)
        for source in inputs:
            first.read(source, progress)
        check_some_rows(first, as_of)
        check_currencies(first, preset)
        if inputs[0].side is not None:
            check_partners(inputs[0].side)
        removed = _repeats_removed(first, spool, preset, data.max_quarantined_share)
        check_quarantined_share(first, data.max_quarantined_share)
        check_lost_frauds(first, data.max_lost_fraud_share)
        times = first.times()
        order = time_order(times, without=removed)
        times = times[order]
        check_silence(times, as_of=as_of, longest=data.max_silence)
        own_ids = not any(role.split(".")[0] == "transaction_id" for role in reading.plan.columns)
        written = write_transactions(
            spool.chunks(order), folder / "transactions.parquet", masks=_masks(preset, first), count_repeats=own_ids
        )
    written.delivery = tuple(delivery_warnings(times, repeated=written.repeated, as_of=as_of))
    quarantine = [first.quarantine.table(), *([] if feed is None else [feed.quarantine.table()])]
    pq.write_table(
        pa.concat_tables(quarantine), folder / "quarantine.parquet", compression="zstd", write_page_checksum=True
    )
    return counted_report(reading, first, written, side=inputs[0].side, feed=feed, hash_key_check=hash_key_check(data))


def _repeats_removed(first: FirstPass, spool: Spool, preset: Preset, allowed: float) -> NDArray[np.int64]:
    """Places of the accepted rows that cannot stay because their id came twice; they are in quarantine now."""
    places = suspects(first.taken_keys())
    if not len(places):
        return places
    reasons = (
        _of_repeats(first, spool, places, preset) if preset.repeats else _of_duplicates(first, spool, places, allowed)
    )
    bad = reasons != KEPT
    removed: NDArray[np.int64] = places[bad]
    first.note_duplicates(spool.rows(places, columns=LOST_COLUMNS), reasons.tolist())
    first.reject(removed, reasons[bad].tolist())
    return removed


def _of_repeats(first: FirstPass, spool: Spool, places: NDArray[np.int64], preset: Preset) -> NDArray[np.object_]:
    """Why rows go where the preset says which one of an id counts."""
    assert preset.repeats is not None
    rows = spool.rows(places, columns=("transaction_id", "label")).combine_chunks()
    ids, labels = rows["transaction_id"].combine_chunks(), rows["label"].combine_chunks()
    reasons = replaced_reasons(ids, first.ranks()[places], keep=preset.repeats.keep)
    first.frauds_replaced = lost_frauds(ids, labels, reasons)
    return reasons


def _of_duplicates(first: FirstPass, spool: Spool, places: NDArray[np.int64], allowed: float) -> NDArray[np.object_]:
    """Why rows go where nobody says which one of an id counts."""
    if len(places) > 2 * allowed * first.rows_in + 2:
        # At least half of them cannot stay, so the job stops anyhow; comparing them would need them all in memory.
        raise InputError(
            f"transaction_id must be unique, {len(places):,} of {first.rows_in:,} rows share theirs with another row "
            "(repeats in the preset can say which of them counts)"
        )
    return duplicate_reasons(spool.rows(places))


def _masks(preset: Preset, first: FirstPass) -> dict[str, NDArray[np.datetime64]]:
    """Months that the preset's masks speak of, by reason."""
    return {
        mask.reason: first.months.without_fraud(expected=mask.without_fraud)
        for mask in preset.masks
        if mask.without_fraud is not None
    }
