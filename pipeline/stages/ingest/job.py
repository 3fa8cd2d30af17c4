"""The ingest job: source files in, canonical transactions, quarantine and a report out.

Two passes. The first streams the files through reading and rules and puts accepted rows aside on disk; only times, ids
and labels stay in memory. The second writes the rows in the order of their time.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.schema.canonical_columns import Reading
from features.schema.duplicates import KEPT, duplicate_reasons, suspects
from features.schema.silent_months import months_of
from pipeline.sections import DataConfig
from pipeline.stages.ingest.first_pass import Intake
from pipeline.stages.ingest.ingest_report import Summary, ingest_report
from pipeline.stages.ingest.inputs import source_inputs
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.spool import Spool
from pipeline.storage.content import parquet_options
from pipeline.storage.errors import InputError

MINIMUM_KEY_BYTES = 16
KEY_CHECK = b"harbor card_id"
SHOWN_REASONS = 12


def ingest_transactions(
    data: DataConfig,
    *,
    labels_delay: int,
    as_of: int | None,
    simulate: Callable[[int, int], pa.Table],
    transactions_to: Path,
    quarantine_to: Path,
    progress: Callable[[int], None] = lambda rows: None,
) -> dict[str, object]:
    """Write the canonical transactions, sorted by time and then source order, and the quarantine; return the report.

    Args:
        data: section [data].
        labels_delay: microseconds after which a label counts as available where the data does not say.
        as_of: microseconds since 1970: later rows are counted and left out, labels not available by then become null.
        simulate: (rows, seed) to a table in the columns of the preset `harbor`; called for `source = "simulate"`.
        transactions_to: Parquet file to write; its folder also holds a temporary file meanwhile.
        quarantine_to: Parquet file to write.
        progress: told the number of rows after each batch.

    Returns:
        The report: plain JSON types, the same for the same inputs. `rows_in == accepted + quarantined`.

    Raises:
        InputError: a fault of the whole source (missing or damaged file, missing columns, too many bad rows, no rows).
    """
    preset = load_preset(data)
    inputs = source_inputs(data, preset=preset, simulate=simulate)
    key = _hash_key(data)
    reading = Reading(preset, inputs[0].plan, labels_delay, as_of, key)
    with Spool(transactions_to.with_name(f"{transactions_to.name}.spool.tmp")) as spool:
        intake = Intake(reading, spool)
        for source in inputs:
            intake.read(source, progress)
        _check_some_rows(intake, as_of)
        gone = _duplicates(intake, spool, data.max_quarantined_share)
        _check_share(intake, data.max_quarantined_share)
        masked = {
            mask.reason: intake.months.without_fraud(expected=mask.without_fraud)
            for mask in preset.masks
            if mask.without_fraud is not None
        }
        summary = Summary()
        order = _time_order(intake, gone)
        _write_transactions(spool.chunks(order), masked, summary, transactions_to)
    pq.write_table(intake.quarantine(), quarantine_to, compression="zstd", write_page_checksum=True)
    report = ingest_report(preset, inputs, intake, summary, as_of)
    check = hash_key_check(data)
    return report | ({"card_id_hash_key_check": check} if check else {})


def hash_key_check(data: DataConfig) -> str | None:
    """A value that tells one secret of [data] hash_key_env from another and gives neither away; None without one.

    Raises:
        InputError: the variable is named but holds no secret, or too short a one.
    """
    key = _hash_key(data)
    return hmac.digest(key, KEY_CHECK, "sha256").hex()[:16] if key else None


def _hash_key(data: DataConfig) -> bytes | None:
    """The secret of [data] hash_key_env."""
    if data.hash_key_env is None:
        return None
    key = os.environ.get(data.hash_key_env, "").encode()
    if len(key) < MINIMUM_KEY_BYTES:
        raise InputError(
            f"data.hash_key_env: the environment variable {data.hash_key_env!r} must hold a secret of at least "
            f"{MINIMUM_KEY_BYTES} bytes, got {len(key)}"
        )
    return key


def _check_some_rows(intake: Intake, as_of: int | None) -> None:
    if intake.rows_in == 0 and intake.after_as_of:
        moment = datetime.fromtimestamp(as_of / 1e6, UTC).isoformat() if as_of is not None else ""
        raise InputError(f"data.source must hold rows up to {moment}, all {intake.after_as_of:,} rows lie after it")
    if intake.rows_in == 0:
        raise InputError(f"data.source must hold at least one row, got 0 in {', '.join(intake.rows_of)}")


def _duplicates(intake: Intake, spool: Spool, allowed: float) -> NDArray[np.int64]:
    """Places of the accepted rows that cannot stay because their id came twice; they are in quarantine now."""
    places = suspects(intake.taken_keys())
    if len(places) > 2 * allowed * intake.rows_in + 2:
        # At least half of them cannot stay, so the job stops anyhow; comparing them would need them all in memory.
        raise InputError(
            f"transaction_id must be unique, {len(places):,} of {intake.rows_in:,} rows share theirs with another row"
        )
    if not len(places):
        return places
    reasons = duplicate_reasons(spool.rows(places))
    bad = reasons != KEPT
    gone: NDArray[np.int64] = places[bad]
    intake.reject(gone, reasons[bad].tolist())
    return gone


def _time_order(intake: Intake, gone: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the accepted rows that stay, by time; ties in source order."""
    order: NDArray[np.int64] = np.argsort(intake.times(), kind="stable")
    if not len(gone):
        return order
    stays = np.ones(len(order), bool)
    stays[gone] = False
    return order[stays[order]]


def _check_share(intake: Intake, allowed: float) -> None:
    """Stop where too many rows are bad: then the preset or the file is wrong, not the rows."""
    share = intake.quarantined / intake.rows_in
    if share <= allowed and intake.quarantined < intake.rows_in:
        return
    lines = [
        f"{intake.quarantined:,} of {intake.rows_in:,} rows cannot be used ({share:.1%}), "
        f"data.max_quarantined_share allows {allowed:.1%}"
    ]
    for reason, count in sorted(intake.reasons.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_REASONS]:
        first = intake.first[reason]
        got = f", got {first.value}" if first.value else ""
        lines.append(f"  {reason}{got} in row {first.row} of {first.file} ({count:,} rows like it)")
    if len(intake.reasons) > SHOWN_REASONS:
        lines.append(f"  and {len(intake.reasons) - SHOWN_REASONS} more reasons")
    raise InputError("\n".join(lines))


def _write_transactions(
    chunks: Iterator[pa.Table], masked: dict[str, NDArray[np.datetime64]], summary: Summary, path: Path
) -> None:
    writer: pq.ParquetWriter | None = None
    try:
        for chunk in chunks:
            for reason, months in masked.items():
                chunk = _labels_masked(chunk, months, reason, summary)
            if writer is None:
                writer = pq.ParquetWriter(path, chunk.schema, **parquet_options(chunk.schema))
            writer.write_table(chunk)
            summary.add(chunk)
    finally:
        if writer is not None:
            writer.close()


def _labels_masked(chunk: pa.Table, months: NDArray[np.datetime64], reason: str, summary: Summary) -> pa.Table:
    inside = np.isin(months_of(chunk["event_time"].cast(pa.int64()).to_numpy()), months)
    summary.masked[reason] += int((inside & chunk["label"].is_valid().to_numpy()).sum())
    if not inside.any():
        return chunk
    for name in ("label", "label_available_at"):
        chunk = chunk.set_column(chunk.column_names.index(name), name, pc.if_else(pa.array(inside), None, chunk[name]))
    return chunk
