"""Raw rows of files as ingest reads them, by the preset of a state: live rows may have no labels yet."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.schema.chargeback_reports import Reports
from features.schema.preset import Preset
from pipeline.reading.batches import header
from pipeline.reading.sources import source_files
from pipeline.stages.ingest.chargeback_feed import chargeback_feed
from pipeline.stages.ingest.inputs import report_files
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.state.row_reading import Reading
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class RawRows:
    """What files of raw rows hold.

    Attributes:
        table: canonical rows by time [N].
        quarantined: rows that could not be read, or break a rule.
        reports: chargebacks that came beside them; None where none did.
    """

    table: pa.Table
    quarantined: int
    reports: Reports | None


def raw_rows(reading: Reading) -> RawRows:
    """The rows of a reading's sources.

    Raises:
        InputError: as ingest does: files or columns are missing, or too many rows are bad.
    """
    preset = preset_of_live_rows(reading)
    with tempfile.TemporaryDirectory(prefix="harbor-") as folder:
        report = ingest_transactions(
            reading.data,
            labels=reading.labels,
            as_of=None,
            simulate=_no_simulation,
            folder=Path(folder),
            live=preset,
        )
        table = read_table(Path(folder) / "transactions.parquet")
    files, allowed = report_files(reading.data, preset), reading.data.max_quarantined_share
    feed = chargeback_feed(files, preset=preset, as_of=None, allowed=allowed, required=False)
    return RawRows(table, report.quarantined, feed.reports if feed is not None and files else None)


def preset_of_live_rows(reading: Reading) -> Preset:
    """The preset, without labels where no file has any: those of live rows come later."""
    preset = load_preset(reading.data)
    files = source_files(reading.data.source)
    held = {name for file in files for name in header(file, delimiter=preset.delimiter, encoding=preset.encoding).names}
    return preset.of_live_rows(held)


def _no_simulation(rows: int, seed: int) -> pa.Table:
    raise InputError(f"raw transactions must come from a file, got a simulation of {rows:,} rows and seed {seed}")
