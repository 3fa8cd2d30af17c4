"""Window features against the Handbook's own pandas method and Polars, then the default set as the data grows.

The twelve features are the Handbook's (Le Borgne et al., 2022, chapter 3): per customer the number and mean amount of
its transactions over 1, 7 and 30 days, the current one included; per terminal the number of transactions and the share
of frauds over 1, 7 and 30 days that ended a week ago. All three compute them in this process, after a warm-up;
Harbor and Polars take turns, so that a busy moment of the machine meets both.
"""

import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.simulate.simulated import simulate_transactions
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import FeatureSpec, feature_spec
from features.windows.window_table import window_features

WINDOWS = (1, 7, 30)
DELAY = 7
DELAY_MICROSECONDS = DELAY * 86_400_000_000
TWELVE = FeaturesConfig(
    entities=("card", "merchant"),
    include_current=True,
    aggregates={"card": ("count", "amount_mean"), "merchant": ("label_count", "fraud_rate")},
    calendar=(),
    identities=(),
)
HANDBOOK = {
    "TX_DATETIME": "event_time",
    "CUSTOMER_ID": "card_id",
    "TERMINAL_ID": "merchant_id",
    "TX_AMOUNT": "amount",
    "TX_FRAUD": "label",
}
MILLION = 1_000_000
TURNS = 15
SIZES = (1, 2, 5, 10, 20)


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, the peer's seconds)."""
    threads = int(os.environ.get("HARBOR_BENCH_THREADS", str(os.cpu_count() or 1)))
    table = canonical(pq.read_table(data) if data else simulate_transactions(MILLION // 2, seed=1).transactions)
    spec = twelve_features(table)
    first, _ = timed(lambda: window_features(table, spec=spec, threads=threads))
    print(f"{table.num_rows:,} rows, {threads} threads; first call, with numba compiling or its cache: {first:.2f} s")
    frame = pandas_frame(table)
    lazy = pl.from_pandas(frame).lazy()
    polars_features(lazy)
    turns = []
    for _ in range(TURNS):
        ours, features = timed(lambda: window_features(table, spec=spec, threads=threads))
        theirs, polars_peer = timed(lambda: polars_features(lazy))
        turns.append((ours, theirs))
    ours, polars_time = (median(seconds) for seconds in zip(*turns, strict=True))
    best = [min(seconds) for seconds in zip(*turns, strict=True)]
    print(f"medians of {TURNS} turns; the best: ours {best[0]:.3f} s, Polars {best[1]:.3f} s")
    pandas_time, peer = timed(lambda: pandas_features(frame))
    print(
        f"largest difference from pandas {difference(features, peer)}, "
        f"from Polars {difference(features, polars_peer.to_pandas())}"
    )
    compared = [
        ("12 features: the Handbook's pandas method", ours, pandas_time),
        ("12 features: Polars rolling_*_by.over", ours, polars_time),
    ]
    return compared if data else [*compared, *growth(threads)]


def twelve_features(table: pa.Table) -> FeatureSpec:
    spec = feature_spec(TWELVE, columns=table.column_names)
    return spec.selected([column.name for column in spec.columns if column.entity])


def canonical(raw: pa.Table) -> pa.Table:
    """A table in the Handbook's columns, or in canonical ones, as windows read it; labels are a week late."""
    table = raw.rename_columns([HANDBOOK.get(name, name) for name in raw.column_names])
    table = table.select(["event_time", "card_id", "merchant_id", "amount", "label"]).sort_by("event_time")
    moments = table["event_time"]
    if moments.type.tz is None:
        moments = moments.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    minor = np.rint(table["amount"].to_numpy() * 100).astype(np.int64)
    label = table["label"].cast(pa.int8())
    available = pc.add(moments, pa.scalar(DELAY_MICROSECONDS, pa.duration("us")))
    return (
        table.set_column(0, "event_time", moments)
        .set_column(4, "label", label)
        .append_column("amount_minor", pa.array(minor))
        .append_column("label_available_at", available)
    )


def pandas_frame(table: pa.Table) -> pd.DataFrame:
    frame = table.select(["event_time", "card_id", "merchant_id", "amount", "label"]).to_pandas()
    return frame.assign(event_time=frame["event_time"].dt.tz_localize(None), label=frame["label"].fillna(0))


def pandas_features(frame: pd.DataFrame) -> pd.DataFrame:
    """The Handbook's method: one pandas rolling window per customer, then one per terminal."""
    cards = frame.groupby("card_id", group_keys=False)[frame.columns.to_list()].apply(customer_spending)
    merchants = frame.groupby("merchant_id", group_keys=False)[frame.columns.to_list()].apply(terminal_risk)
    return cards.sort_index().join(merchants.sort_index())


def customer_spending(rows: pd.DataFrame) -> pd.DataFrame:
    amount = rows.set_index("event_time")["amount"]
    made = {}
    for days in WINDOWS:
        total, count = amount.rolling(f"{days}D").sum(), amount.rolling(f"{days}D").count()
        made[f"card_{days}d_count"] = count.to_numpy()
        made[f"card_{days}d_amount_mean"] = (total / count).to_numpy()
    return pd.DataFrame(made, index=rows.index)


def terminal_risk(rows: pd.DataFrame) -> pd.DataFrame:
    label = rows.set_index("event_time")["label"]
    late_frauds, late_count = label.rolling(f"{DELAY}D").sum(), label.rolling(f"{DELAY}D").count()
    made = {}
    for days in WINDOWS:
        frauds = label.rolling(f"{DELAY + days}D").sum() - late_frauds
        count = label.rolling(f"{DELAY + days}D").count() - late_count
        made[f"merchant_{days}d_label_count"] = count.to_numpy()
        made[f"merchant_{days}d_fraud_rate"] = (frauds / count).to_numpy()
    return pd.DataFrame(made, index=rows.index)


def polars_features(frame: pl.LazyFrame) -> pl.DataFrame:
    amount, one, label = pl.col("amount"), pl.col("one"), pl.col("label").cast(pl.Int32)
    columns = []
    for days in WINDOWS:
        columns += [
            one.rolling_sum_by("event_time", f"{days}d").over("card_id").alias(f"card_{days}d_count"),
            amount.rolling_mean_by("event_time", f"{days}d").over("card_id").alias(f"card_{days}d_amount_mean"),
        ]
        count, frauds = (
            value.rolling_sum_by("event_time", f"{DELAY + days}d").over("merchant_id")
            - value.rolling_sum_by("event_time", f"{DELAY}d").over("merchant_id")
            for value in (one, label)
        )
        columns += [
            count.alias(f"merchant_{days}d_label_count"),
            (frauds / count).alias(f"merchant_{days}d_fraud_rate"),
        ]
    return frame.with_columns(one=pl.lit(1, pl.Int32)).select(columns).collect()


def difference(features: pa.Table, peer: pd.DataFrame) -> str:
    """Share of values that differ; label windows differ by a label that is exactly a window old."""
    shares = []
    for name in features.column_names:
        ours, theirs = features[name].to_numpy(), peer[name].to_numpy(dtype=np.float64)
        shares.append(1 - np.isclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True).mean())
    return f"{max(shares):.2e} of rows"


def growth(threads: int) -> list[tuple[str, float, float]]:
    """Seconds per million rows of the default features at each size, against those at one million."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for millions in SIZES:
            path = str(Path(folder) / f"{millions}.parquet")
            in_fresh_process(write_copies, millions, path)
            seconds, cpu, made_gib, peak_gib, columns = in_fresh_process(default_features, path, threads)
            rows.append((f"{columns} default features, {millions} M rows: s per M rows", seconds / millions))
            print(
                f"{millions:>3} M rows: {seconds:.2f} s, {cpu / millions:.2f} s of processor per M rows, "
                f"features {made_gib:.2f} GiB, peak memory {peak_gib:.2f} GiB"
            )
            Path(path).unlink()
    return [(name, seconds, rows[0][1]) for name, seconds in rows]


def write_copies(millions: int, path: str) -> None:
    """A million simulated rows, repeated with cards and merchants of their own, in order of time."""
    table = canonical(simulate_transactions(MILLION, seed=1).transactions)
    copies = []
    for copy in range(millions):
        renamed = table
        for name in ("card_id", "merchant_id"):
            ids = pc.binary_join_element_wise(table[name], pa.scalar(str(copy)), "-")
            renamed = renamed.set_column(renamed.column_names.index(name), name, ids)
        copies.append(renamed)
    pq.write_table(pa.concat_tables(copies).sort_by("event_time"), path)


def default_features(path: str, threads: int) -> tuple[float, float, float, float, int]:
    """Seconds, processor seconds, features and peak memory (reading and writing included) in GiB, number of columns."""
    table = pq.read_table(path)
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    window_features(table.slice(0, 1000), spec=spec, threads=threads)
    processor = time.process_time()
    seconds, features = timed(lambda: window_features(table, spec=spec, threads=threads))
    processor = time.process_time() - processor
    size = features.nbytes / 2**30
    pq.write_table(features, path + ".features", row_group_size=MILLION // 4, use_dictionary=False, compression="none")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    Path(path + ".features").unlink()
    return seconds, processor, size, peak, len(spec.numeric)


def in_fresh_process(work, *arguments):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
