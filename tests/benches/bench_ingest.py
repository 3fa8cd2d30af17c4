"""Reading transactions: the whole ingest job beside Polars, which scans the same file with the same types.

The peer only parses; Harbor also judges every row, finds repeated ids, sorts by time and writes the result. Rows are
those of `harbor simulate`, in the layout of the preset `harbor`, once as CSV text and once as typed Parquet; the third
case is the CSV with one unreadable time in every batch. Both take turns and are measured in seconds of processor time,
so that a busy machine counts for neither; POLARS_MAX_THREADS=1 keeps the peer from waiting for itself.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from features.simulate.simulated import simulate_transactions
from features.split import LabelsConfig
from pipeline.reading.batches import BATCH_ROWS
from pipeline.sections import DataConfig
from pipeline.stages.ingest.two_passes import ingest_transactions

ROWS = 400_000
TURNS = 3
HEADING = f"\n{'':<44} {'ours s':>10} {'peer s':>10} {'peer/ours':>10}"
WEEK = 7 * 86_400_000_000
TYPES = {
    "transaction_id": pl.String,
    "event_time": pl.Datetime("us"),
    "card_id": pl.String,
    "merchant_id": pl.String,
    "amount": pl.Float64,
    "label": pl.Int8,
    "label_available_at": pl.Datetime("us"),
}


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, the peer's seconds)."""
    table = pq.read_table(data) if data else simulate_transactions(ROWS, seed=1).transactions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        typed, text, spoilt = folder / "rows.parquet", folder / "rows.csv", folder / "spoilt.csv"
        pq.write_table(table, typed)
        plain = without_zones(table)
        pacsv.write_csv(plain, text)
        pacsv.write_csv(one_bad_time_a_batch(plain), spoilt)
        cases: list[tuple[str, Path, Callable[[], object]]] = [
            ("CSV", text, lambda: scanned_csv(text)),
            ("Parquet", typed, lambda: pl.scan_parquet(typed).collect()),
            ("CSV, one unreadable time a batch", spoilt, lambda: scanned_csv(text)),
        ]
        rows = []
        for label, path, peer in cases:
            turns = [(seconds(lambda path=path: ingest(path, folder)), seconds(peer)) for _ in range(TURNS)]
            ours, theirs = (median(each) for each in zip(*turns, strict=True))
            best = min(ours for ours, _ in turns)
            print(f"{label}: {table.num_rows / ours / 1e3:,.0f} k rows/s (best {table.num_rows / best / 1e3:,.0f} k)")
            rows.append((label, ours, theirs))
        return rows


def ingest(path: Path, folder: Path) -> None:
    ingest_transactions(
        DataConfig(source=str(path)),
        labels=LabelsConfig(delay=WEEK),
        as_of=None,
        simulate=lambda rows, seed: simulate_transactions(rows, seed=seed).transactions,
        transactions_to=folder / "transactions.parquet",
        quarantine_to=folder / "quarantine.parquet",
    )


def scanned_csv(path: Path) -> pl.DataFrame:
    return pl.scan_csv(path, schema_overrides=TYPES).collect()


def without_zones(table: pa.Table) -> pa.Table:
    """Times as CSV readers know them, and no column that the simulator alone has a use for."""
    for name in ("event_time", "label_available_at"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")))
    return table


def one_bad_time_a_batch(table: pa.Table) -> pa.Table:
    times = table["event_time"].cast(pa.string()).to_pylist()
    for row in range(BATCH_ROWS // 2, len(times), BATCH_ROWS // 2):
        times[row] = "soon"
    return table.set_column(table.column_names.index("event_time"), "event_time", pa.array(times))


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
