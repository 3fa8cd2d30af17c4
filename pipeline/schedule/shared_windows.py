"""One ingest and one pass over the windows, shared by many past dates.

A row up to a moment looks the same whether or not later rows were read with it: a window looks back, and a label
counts only once it was available. So the whole file is read once, and each date takes its rows, forgets the labels
that came later, and makes its own folds and encoder: what a run as of that date would have made itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.times import time_text
from features.windows.window_table import window_features
from pipeline.config import Config
from pipeline.stages.artifacts.ingest_report import IngestReport, prevalence
from pipeline.stages.features.make_features import make_features_from_windows, specification
from pipeline.stages.ingest.written_rows import WrittenRows
from pipeline.stages.stage import Stage, StageContext
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.content import read_table, write_table
from pipeline.storage.errors import InputError

WINDOWS = "windows.parquet"
MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class SharedRun:
    """What all dates share: the folder of a run that read the whole file."""

    folder: Path

    @property
    def transactions(self) -> Path:
        """All transactions, with the labels known at the end."""
        return self.folder / "ingest" / "transactions.parquet"

    @property
    def windows(self) -> Path:
        """The feature columns of each of them, in the same order."""
        return self.folder / "features" / WINDOWS

    @property
    def report(self) -> IngestReport:
        """What the shared ingest reported."""
        return IngestReport.read(self.folder / "ingest" / "report.json")


def shared_stages(stages: Sequence[Stage]) -> tuple[Stage, Stage]:
    """The two stages of the shared run: the ingest itself, and windows without folds."""
    ingest, features = stages[0], stages[1]
    return ingest, Stage(
        features.name,
        _make_windows,
        reads=features.reads,
        sections=("features",),
    )


def stages_as_of(stages: Sequence[Stage], shared: SharedRun) -> tuple[Stage, ...]:
    """The stages of one date: the first two take their part of what is shared, the rest are as they are."""
    ingest, features, *rest = stages

    def whole(_: Config) -> Sequence[tuple[str, Path | str]]:
        return (("shared transactions", shared.transactions),)

    def windows(_: Config) -> Sequence[tuple[str, Path | str]]:
        return (("shared windows", shared.windows),)

    return (
        Stage(
            ingest.name,
            _bound(_make_transactions_as_of, shared),
            reads=(),
            sections=(),
            outside=whole,
        ),
        Stage(
            features.name,
            _bound(_make_features_as_of, shared),
            reads=features.reads,
            sections=features.sections,
            outside=windows,
        ),
        *rest,
    )


def why_not_shared(report: IngestReport) -> str | None:
    """Why an ingest cannot be shared, or None where it can.

    Two rules look at rows together: a repeated transaction_id may have come later than the date, and a month without
    any fraud may have been shorter then. Opinions and the sources of labels came when the labels did.
    """
    twice = report.duplicates
    repeats = twice.identical + twice.conflicting + twice.labelled_later + twice.replaced
    if repeats:
        return f"{repeats:,} rows were set aside because their id came twice"
    if report.policy is not None:
        return "who labelled a row, and whether that is an opinion, must be read as of each date"
    masked = sum(report.labels.masked.values())
    return f"{masked:,} labels were masked month by month" if masked else None


def transactions_as_of(transactions: pa.Table, *, as_of: int) -> pa.Table:
    """The rows up to a moment, labels that were not available by then unknown.

    Args:
        transactions: canonical, sorted by time.
        as_of: microseconds since 1970.
    """
    moment = pa.scalar(as_of, MOMENT)
    table = transactions.filter(pc.field("event_time") <= moment)
    known = pc.fill_null(pc.less_equal(table["label_available_at"], moment), False)
    for name in ("label", "label_available_at"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pc.if_else(known, table[name], None))
    return table


def _bound(work: Callable[[StageContext, SharedRun], str], shared: SharedRun) -> Callable[[StageContext], str]:
    return lambda context: work(context, shared)


def _make_windows(context: StageContext) -> str:
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    spec = specification(context, transactions)
    windows = window_features(transactions, spec=spec, threads=context.threads)
    write_table(context.out / WINDOWS, windows)
    write_text(context.out / "spec.json", spec.to_json())
    context.report({"rows": windows.num_rows, "columns": list(spec.names)})
    return f"{len(spec.columns)} columns of {windows.num_rows:,} rows, shared by all dates"


def _make_transactions_as_of(context: StageContext, shared: SharedRun) -> str:
    assert context.as_of is not None
    whole = read_table(shared.transactions)
    table = transactions_as_of(whole, as_of=context.as_of)
    if table.num_rows == 0:
        raise InputError(f"data.source must hold rows up to {time_text(context.as_of)}, all lie after it")
    write_table(context.out / "transactions.parquet", table)
    write_bytes(context.out / "quarantine.parquet", (shared.folder / "ingest" / "quarantine.parquet").read_bytes())
    report = _report_as_of(shared.report, table, whole.slice(0, table.num_rows), as_of=context.as_of)
    context.report(report.to_dict())
    return f"{table.num_rows:,} rows up to {time_text(context.as_of)}"


def _report_as_of(whole: IngestReport, table: pa.Table, known_later: pa.Table, *, as_of: int) -> IngestReport:
    """The shared report with the counts of the rows that stayed.

    Quarantined rows count at every date: most have no time that could be trusted.

    Args:
        whole: of the shared ingest.
        table: the rows up to the date, labels as they were known then [N].
        known_later: the same rows with the labels known at the end [N].
        as_of: the date, microseconds since 1970.
    """
    written = WrittenRows()
    written.add(table)
    fraud, legitimate, unknown = (written.labels[value] for value in (1, 0, -1))
    later = whole.accepted - written.rows
    forgotten = known_later.filter(pa.array(pc.is_null(table["label"]).to_numpy()))["label"]
    labels = replace(
        whole.labels,
        fraud=fraud,
        legitimate=legitimate,
        unknown=unknown,
        prevalence=prevalence(fraud, legitimate),
        fraud_not_yet_available=_count(forgotten, 1),
        legitimate_not_yet_available=_count(forgotten, 0),
    )
    return replace(
        whole,
        rows_in=whole.rows_in - later,
        accepted=written.rows,
        rows_after_as_of=later,
        as_of=as_of,
        columns=replace(whole.columns, types=written.types, nulls=dict(written.nulls)),
        labels=labels,
        start=written.first,
        end=written.last,
        digest=written.digest.hexdigest(),
    )


def _count(labels: pa.ChunkedArray, value: int) -> int:
    return int(pc.sum(pc.equal(labels, value)).as_py() or 0)


def _make_features_as_of(context: StageContext, shared: SharedRun) -> str:
    rows = read_table(context.path("ingest", "transactions.parquet"), columns=["event_time"]).num_rows
    return make_features_from_windows(context, read_table(shared.windows).slice(0, rows))
