"""The rows a judgement speaks of, from tables to arrays."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluation.report.evidence import CalibRows
from evaluation.statistics.populations import JudgedRows
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table

GROUPING_SIZE = 100


def row_details(context: StageContext, fold: str) -> pd.DataFrame:
    """Card, amount and grouping columns of a fold's rows: features and transactions share their order."""
    folds = read_table(context.path("features", "features.parquet"), columns=["fold"])["fold"]
    path = context.path("ingest", "transactions.parquet")
    present = pq.read_schema(path).names
    wanted = ["event_time", "card_id", "amount", *context.ingest_report.categorical]
    everything = read_table(path, columns=[name for name in wanted if name in present])
    frame = everything.filter(pc.fill_null(pc.equal(folds, fold), False)).to_pandas()
    if "card_id" in everything.column_names:
        first = everything.group_by("card_id").aggregate([("event_time", "min")]).to_pandas()
        first = first.dropna(subset=["card_id"]).set_index("card_id")["event_time_min"]
        frame["new_card"] = frame["card_id"].map(first) == frame["event_time"]
    return frame


def judged_rows(table: pa.Table, details: pd.DataFrame) -> JudgedRows:
    """Rows of a fold as the statistics want them: arrays [N], and a grouping per small categorical column."""
    has_card = "card_id" in details
    extras = [name for name in details.columns if name not in ("event_time", "card_id", "amount", "new_card")]
    return JudgedRows(
        labels=pc.fill_null(table["label"].cast(pa.float64()), np.nan).to_numpy(),
        event_time=table["event_time"].cast(pa.int64()).to_numpy(),
        amount=details["amount"].to_numpy(np.float64),
        card=pd.factorize(details["card_id"])[0].astype(np.int64) if has_card else None,
        new_card=details["new_card"].to_numpy(np.bool_) if has_card else None,
        groups={
            name: details[name].fillna("(missing)").to_numpy(str)
            for name in extras
            if details[name].nunique() <= GROUPING_SIZE
        },
    )


def scored_rows_table(table: pa.Table, details: pd.DataFrame, candidates: Mapping[str, np.ndarray]) -> pa.Table:
    """The table of scores.parquet: who, when, how much, the label, and a probability per candidate."""
    cards = pa.array(details["card_id"]) if "card_id" in details else pa.nulls(table.num_rows, pa.string())
    head = {
        "transaction_id": table["transaction_id"],
        "event_time": table["event_time"],
        "card_id": cards,
        "amount": pa.array(details["amount"]),
        "label": table["label"],
    }
    order = ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed")
    return pa.table(head | {name: pa.array(candidates[name]) for name in order})


def calib_judged(context: StageContext) -> CalibRows:
    """The labelled rows of calib, with the cross-fitted probabilities of every candidate and calibrator."""
    kept = read_table(context.path("calibrate", "crossfitted.parquet"))
    every = read_table(context.path("features", "features.parquet"), columns=["fold", "label"])
    fold = every.filter(pc.fill_null(pc.equal(every["fold"], "calib"), False))
    details = row_details(context, "calib")[fold["label"].is_valid().to_numpy(zero_copy_only=False)]
    arms = {}
    for name in kept.column_names:
        epsilon, bar, calibrator = name.partition("|")
        if bar:
            arms[float(epsilon), calibrator] = kept[name].to_numpy()
    names = ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed")
    return CalibRows(judged_rows(kept, details), {name: kept[name].to_numpy() for name in names}, arms)
