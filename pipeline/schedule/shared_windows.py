"""One ingest and one pass over the windows, cut to many past dates: what a run as of each date would have made itself.

A row up to a moment looks the same whether or not later rows were read with it: a window looks back, and a label
counts only once it was available. So the whole file is read once, and each date takes its rows, forgets the labels
that came later, and makes its own folds and encoder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.times import time_text
from features.windows.window_table import window_features
from pipeline.config import Config
from pipeline.stages.features.make_features import make_cut_features, specification
from pipeline.stages.ingest.ingest_report import Summary
from pipeline.stages.stage import Stage, StageContext
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.content import read_json, read_table, write_json, write_table
from pipeline.storage.errors import InputError

WINDOWS = "windows.parquet"
MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Shared:
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
    def report(self) -> dict[str, Any]:
        """What the shared ingest reported."""
        report: dict[str, Any] = read_json(self.folder / "ingest" / "report.json")
        return report


def shared_stages(stages: Sequence[Stage]) -> tuple[Stage, Stage]:
    """The two stages of the shared run: the ingest itself, and windows without folds."""
    ingest, features = stages[0], stages[1]
    return ingest, Stage(
        features.name,
        _make_windows,
        reads=features.reads,
        sections=("features",),
    )


def cut_stages(stages: Sequence[Stage], shared: Shared) -> tuple[Stage, ...]:
    """The stages of one date: the first two cut from what is shared, the rest as they are."""
    ingest, features, *rest = stages

    def whole(_: Config) -> Sequence[tuple[str, Path | str]]:
        return (("shared transactions", shared.transactions),)

    def windows(_: Config) -> Sequence[tuple[str, Path | str]]:
        return (("shared windows", shared.windows),)

    return (
        Stage(
            ingest.name,
            _bound(_cut_transactions, shared),
            reads=(),
            sections=(),
            outside=whole,
        ),
        Stage(
            features.name,
            _bound(_cut_features, shared),
            reads=features.reads,
            sections=features.sections,
            outside=windows,
        ),
        *rest,
    )


def uncuttable(report: Mapping[str, Any]) -> str | None:
    """Why an ingest cannot be shared, or None where it can.

    Two rules look at rows together: a repeated transaction_id may have come later than the date, and a month without
    any fraud may have been shorter then.
    """
    repeats = sum(report["duplicates"].values())
    if repeats:
        return f"{repeats:,} rows were set aside because their id came twice"
    masked = sum(report["labels"]["masked"].values())
    return f"{masked:,} labels were masked month by month" if masked else None


def cut_transactions(transactions: pa.Table, *, as_of: int) -> pa.Table:
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


def _bound(work: Callable[[StageContext, Shared], str], shared: Shared) -> Callable[[StageContext], str]:
    return lambda context: work(context, shared)


def _make_windows(context: StageContext) -> str:
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    spec = specification(context, transactions)
    windows = window_features(transactions, spec=spec, threads=context.threads)
    write_table(context.out / WINDOWS, windows)
    write_text(context.out / "spec.json", spec.to_json())
    context.report({"rows": windows.num_rows, "columns": list(spec.names)})
    return f"{len(spec.columns)} columns of {windows.num_rows:,} rows, shared by all dates"


def _cut_transactions(context: StageContext, shared: Shared) -> str:
    assert context.as_of is not None
    whole = read_table(shared.transactions)
    table = cut_transactions(whole, as_of=context.as_of)
    if table.num_rows == 0:
        raise InputError(f"data.source must hold rows up to {time_text(context.as_of)}, all lie after it")
    write_table(context.out / "transactions.parquet", table)
    write_bytes(context.out / "quarantine.parquet", (shared.folder / "ingest" / "quarantine.parquet").read_bytes())
    report = _cut_report(table, whole.slice(0, table.num_rows), shared.report, as_of=context.as_of)
    write_json(context.out / "report.json", report)
    return f"{table.num_rows:,} rows up to {time_text(context.as_of)}"


def _cut_report(table: pa.Table, known_later: pa.Table, whole: dict[str, Any], *, as_of: int) -> dict[str, Any]:
    """The shared report with the counts of the rows that stayed.

    Quarantined rows count at every date: most have no time that could be trusted.
    """
    summary = Summary()
    summary.add(table)
    fraud, legitimate, unknown = (summary.labels[value] for value in (1, 0, -1))
    later = whole["accepted"] - summary.rows
    forgotten = known_later.filter(pa.array(pc.is_null(table["label"]).to_numpy()))["label"]
    labels = {
        **whole["labels"],
        "fraud": fraud,
        "legitimate": legitimate,
        "unknown": unknown,
        "prevalence": fraud / (fraud + legitimate) if fraud + legitimate else None,
        "fraud_not_yet_available": pc.sum(pc.equal(forgotten, 1)).as_py() or 0,
        "legitimate_not_yet_available": pc.sum(pc.equal(forgotten, 0)).as_py() or 0,
    }
    return {
        **whole,
        "rows_in": whole["rows_in"] - later,
        "accepted": summary.rows,
        "rows_after_as_of": later,
        "as_of": _iso(as_of),
        "columns": {**whole["columns"], "types": summary.kinds, "nulls": dict(summary.nulls)},
        "labels": labels,
        "from": _iso(summary.first),
        "to": _iso(summary.last),
        "digest": summary.digest.hexdigest(),
    }


def _iso(microseconds: int) -> str:
    return time_text(microseconds).replace("Z", "+00:00")


def _cut_features(context: StageContext, shared: Shared) -> str:
    rows = read_table(context.path("ingest", "transactions.parquet"), columns=["event_time"]).num_rows
    return make_cut_features(context, read_table(shared.windows).slice(0, rows))
