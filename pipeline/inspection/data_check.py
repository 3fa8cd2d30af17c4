"""What `harbor check` says: columns, folds with their rows and frauds, windows, cost, and what is odd."""

from collections.abc import Iterator

from features.split import Fold
from features.times import duration_text, time_text
from pipeline.config import Config
from pipeline.inspection.expected_cost import expected_cost
from pipeline.inspection.opened_data import OpenedData
from pipeline.reading.header_names import quoted_names
from pipeline.stages.artifacts.ingest_report import IngestReport, rate_text, reasons_text
from pipeline.state.card_numbers import CardNumbersError, check_no_card_numbers

SHOWN = 12


def check_lines(config: Config, data: OpenedData) -> Iterator[str]:
    """The lines of the check, its warnings apart."""
    yield from _row_lines(data.report)
    yield from _column_lines(data.report)
    yield from _fold_lines(data)
    yield f"windows {_window_text(data)}"
    rows = {fold.name: fold.rows for fold in data.labelled.folds.folds}
    cost = expected_cost(config, rows=data.transactions.num_rows, train_rows=rows["train"], test_rows=rows["test"])
    yield f"cost    {cost.line}"


def check_warnings(config: Config, data: OpenedData) -> Iterator[str]:
    """What a run would warn of, and the refusal that its gate cannot help giving."""
    yield from data.warnings
    yield from _state_warnings(config, data)
    frauds = data.labelled.folds.folds[-1].usable[1]
    if frauds < config.gate.min_frauds:
        yield (
            f"the gate will refuse whatever is trained: test holds {frauds:,} frauds, gate.min_frauds asks for "
            f"{config.gate.min_frauds:,}"
        )


def _state_warnings(config: Config, data: OpenedData) -> Iterator[str]:
    """Why no state would be exported, which a run would say at its very end."""
    if not config.export.state or config.data.hash_key_env is not None:
        return
    for name in data.transactions.column_names:
        if name.endswith("_id") and name != "transaction_id":
            try:
                check_no_card_numbers(data.transactions[name], name=name)
            except CardNumbersError as error:
                yield f"no state will be exported: {error}"


def _row_lines(report: IngestReport) -> Iterator[str]:
    yield (
        f"rows    {report.accepted:,} accepted, {report.quarantined:,} set aside, {time_text(report.start)} to "
        f"{time_text(report.end)}, {rate_text(report)}"
    )
    if report.quarantined:
        yield f"        {reasons_text(report)}"


def _column_lines(report: IngestReport) -> Iterator[str]:
    columns = report.columns
    used = [f"{role} ← {quoted_names([source])}" for role, source in columns.used.items() if role != source]
    same = [role for role, source in columns.used.items() if role == source]
    yield f"columns {', '.join([*used, *(quoted_names([each]) for each in same)])}"
    for word, names in (
        ("missing", columns.absent),
        ("unread", columns.ignored),
        ("leaks", columns.dropped_leaks),
        ("personal", columns.dropped_personal),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield f"        {word}: {quoted_names(names[:SHOWN])}{more}"


def _fold_lines(data: OpenedData) -> Iterator[str]:
    yield f"folds   {'':<6} {'after':<20}  {'up to':<20} {'rows':>11} {'usable':>11} {'frauds':>8}"
    for fold in data.labelled.folds.folds:
        yield _fold_line(fold)
    outside = data.transactions.num_rows - sum(fold.rows for fold in data.labelled.folds.folds)
    yield f"        {outside:,} rows in gaps or before train: history of windows, and of the refit that ships"


def _fold_line(fold: Fold) -> str:
    start, end = (time_text(each // 1_000_000 * 1_000_000) for each in (fold.start, fold.end))
    return (
        f"        {fold.name:<6} {start:<20}  {end:<20} {fold.rows:>11,} {sum(fold.usable):>11,} {fold.usable[1]:>8,}"
    )


def _window_text(data: OpenedData) -> str:
    labelled = data.labelled
    if labelled.full_from is None:
        return f"{len(data.spec.names)} feature columns, none of a window that must fill up first"
    cold = sum(labelled.folds.folds[0].cold)
    left = f"{cold:,} rows of train come before that and are not trained on" if cold else "before train begins"
    return (
        f"{len(data.spec.names)} feature columns; windows of up to {duration_text(labelled.warmup)} (label delay "
        f"included) are full from {time_text(labelled.full_from // 1_000_000 * 1_000_000)} on, {left}"
    )
