"""The chargeback reports among the source files, read whole before any transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.schema.chargeback_reports import ReportRows, Reports, reports_in_order
from features.schema.column_plan import report_plan
from features.schema.preset import Chargebacks, Preset
from features.schema.report_rows import report_rows
from pipeline.reading.batches import header, source_batches
from pipeline.reading.sources import SourceFile
from pipeline.stages.ingest.column_faults import PlannedFile, check_columns
from pipeline.stages.ingest.quarantine_limit import check_reports_share
from pipeline.stages.ingest.quarantined_rows import QuarantinedRows
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class ChargebackFeed:
    """What the report files hold.

    Attributes:
        reports: those that changed something, by key and time.
        rows: of the files, up to as-of.
        after_as_of: rows of later reports.
        quarantine: rows that cannot be used.
    """

    reports: Reports
    rows: int
    after_as_of: int
    quarantine: QuarantinedRows


def chargeback_feed(
    files: Sequence[SourceFile], *, preset: Preset, as_of: int | None, allowed: float, required: bool = True
) -> ChargebackFeed | None:
    """The reports of the files; None where the preset has no feed.

    Args:
        files: those that hold reports.
        preset: how to read them.
        as_of: microseconds since 1970; later reports are counted and left out. None: the files are history.
        allowed: share of their rows that may be unusable.
        required: False where none need have come yet, as with live rows: then nothing is reported so far.

    Raises:
        InputError: no file though one is required, missing columns, a damaged file, or too many bad rows.
    """
    feed = preset.chargebacks
    if feed is None:
        return None
    if not files and required:
        raise InputError(
            f"data.source must name a file of chargebacks that fits {feed.files!r}, as the preset has them: "
            "without it every transaction would count as never reported"
        )
    schemas = [header(file, delimiter=preset.delimiter, encoding=preset.encoding) for file in files]
    planned = [
        PlannedFile(file.place, report_plan(feed, schema.names), schema, tuple(schema.names))
        for file, schema in zip(files, schemas, strict=True)
    ]
    check_columns(planned)
    found = _Found(QuarantinedRows())
    for file, plan in zip(files, planned, strict=True):
        found.read(file, plan, feed, preset, as_of)
    check_reports_share(found.quarantine, rows=found.rows, allowed=allowed)
    reports = reports_in_order(found.together(), feed=feed)
    return ChargebackFeed(reports, found.rows, found.after_as_of, found.quarantine)


class _Found:
    """The reports read so far."""

    def __init__(self, quarantine: QuarantinedRows) -> None:
        self.quarantine, self.rows, self.after_as_of = quarantine, 0, 0
        self._parts: list[ReportRows] = []

    def read(
        self, file: SourceFile, planned: PlannedFile, feed: Chargebacks, preset: Preset, as_of: int | None
    ) -> None:
        """Take in all rows of a file."""
        text = {"delimiter": preset.delimiter, "encoding": preset.encoding}
        for batch in source_batches(file, columns=planned.plan.needed, **text):
            good, faults, later = report_rows(batch.table, preset=preset, feed=feed, plan=planned.plan, as_of=as_of)
            self._parts.append(good)
            self.rows += batch.table.num_rows - later + len(batch.broken)
            self.after_as_of += later
            broken = np.array([number for number, _ in batch.broken], np.int64)
            reasons = pa.array([[reason] for _, reason in batch.broken], pa.list_(pa.string()))
            self.quarantine.add(file.name, batch.row[faults.any()], faults.reasons())
            self.quarantine.add(file.name, broken, reasons)

    def together(self) -> ReportRows:
        """All of them in the order of the files."""
        return ReportRows(
            keys=pa.chunked_array([part.keys for part in self._parts], pa.string()).combine_chunks(),
            at=np.concatenate([np.zeros(0, np.int64), *(part.at for part in self._parts)]),
            outcome=np.concatenate([np.zeros(0, np.int8), *(part.outcome for part in self._parts)]),
            midnight=np.concatenate([np.zeros(0, bool), *(part.midnight for part in self._parts)]),
        )
