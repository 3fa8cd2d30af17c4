"""The rows a judgement speaks of, from tables to arrays."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluation.statistics.approval import PolicyRows
from evaluation.statistics.populations import JudgedRows
from features.earlier_labels import EARLIER_LABELS, earlier_labels
from pipeline.sections import CANDIDATES as CANDIDATES
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table
from pipeline.storage.masking import masked

POLICY_COLUMNS = ("action", "approval_probability")
OWN_PLACE = (
    "event_time", "card_id", "merchant_id", "amount", "new_card", "compromised", "label_weight", *POLICY_COLUMNS,
)  # fmt: skip
"""Columns of the details that are no groupings."""
GROUPING_SIZE = 100
"""Most values of a categorical column whose rows are judged as groups."""


def row_details(context: StageContext, fold: str) -> pd.DataFrame:
    """Ids, amount, weight and groupings of a fold's rows: features and transactions share their order.

    `label_weight` is there where the feature table has it.
    """
    features = context.path("features", "features.parquet")
    weight = [name for name in pq.read_schema(features).names if name == "label_weight"]
    ours = read_table(features, columns=["fold", *weight])
    inside = pc.fill_null(pc.equal(ours["fold"], fold), False)
    frame = transaction_details(context, inside)
    for name in weight:
        frame[name] = ours.filter(inside)[name].to_numpy()
    return frame


def transaction_details(context: StageContext, inside: pa.ChunkedArray | pa.Array) -> pd.DataFrame:
    """Ids, amount and groupings of the rows of a mask over all transactions."""
    path = context.path("ingest", "transactions.parquet")
    present = pq.read_schema(path).names
    wanted = ["event_time", "card_id", "merchant_id", "amount", *POLICY_COLUMNS, *context.ingest_report.categorical]
    everything = read_table(path, columns=[name for name in wanted if name in present])
    frame = everything.filter(inside).to_pandas()
    if "card_id" in everything.column_names:
        first = everything.group_by("card_id").aggregate([("event_time", "min")]).to_pandas()
        first = first.dropna(subset=["card_id"]).set_index("card_id")["event_time_min"]
        frame["new_card"] = frame["card_id"].map(first) == frame["event_time"]
    if {"card_id", "label", "label_available_at"} <= {*present}:
        kept = [name for name in ("label", "label_available_at", EARLIER_LABELS) if name in present]
        labels = read_table(path, columns=kept)
        frame["compromised"] = frame["card_id"].isin(
            _compromised(everything["card_id"], labels, before=frame["event_time"].min())
        )
    return frame


def judged_rows(table: pa.Table, details: pd.DataFrame) -> JudgedRows:
    """Rows of a fold as the statistics want them: arrays [N], and a grouping per small categorical column."""
    has_card = "card_id" in details
    extras = [name for name in details.columns if name not in OWN_PLACE]
    return JudgedRows(
        labels=pc.fill_null(table["label"].cast(pa.float64()), np.nan).to_numpy(),
        event_time=table["event_time"].cast(pa.int64()).to_numpy(),
        amount=details["amount"].to_numpy(np.float64),
        card=_codes(details, "card_id"),
        new_card=details["new_card"].to_numpy(np.bool_) if has_card else None,
        groups={name: _shown_values(details[name]) for name in extras if details[name].nunique() <= GROUPING_SIZE},
        merchant=_codes(details, "merchant_id"),
        weight=details["label_weight"].to_numpy(np.float64) if "label_weight" in details else None,
        compromised=details["compromised"].to_numpy(np.bool_) if "compromised" in details else None,
    )


def policy_rows(details: pd.DataFrame, *, cap: float) -> PolicyRows | None:
    """What an earlier policy did with the rows [N]; None where the data does not say."""
    if not {*POLICY_COLUMNS} & {*details.columns}:
        return None
    unknown = pd.Series(np.full(len(details), np.nan))
    action = details["action"].fillna("") if "action" in details else pd.Series([""] * len(details))
    probability = details.get("approval_probability", unknown)
    return PolicyRows(action.to_numpy(str), probability.to_numpy(np.float64), cap)


def _codes(details: pd.DataFrame, name: str) -> np.ndarray | None:
    """Integer codes of an id column, −1 where it is missing [N]; None where the data has no such column."""
    return pd.factorize(details[name])[0].astype(np.int64) if name in details else None


def _compromised(cards: pa.ChunkedArray, labels: pa.Table, *, before: pd.Timestamp) -> set[str]:
    """Cards with a fraud that was known before a moment; none where the fold has no rows."""
    if pd.isna(before):
        return set()
    moment = pa.scalar(before, labels["label_available_at"].type)
    known = pc.and_(pc.equal(labels["label"], 1), pc.less(labels["label_available_at"], moment))
    fraud = pc.fill_null(known, False).to_numpy().copy()
    earlier, micros = earlier_labels(labels), moment.cast(pa.int64()).as_py()
    if earlier is not None:
        stood = earlier.taken((earlier.available < micros) & (micros <= earlier.until))
        fraud[stood.row] = stood.label == 1
    return set(cards.filter(pa.array(fraud)).drop_null().to_pylist())


def _shown_values(values: pd.Series) -> np.ndarray:
    """The values of a grouping as a report may show them [N]."""
    codes, distinct = pd.factorize(values.fillna("(missing)"))
    shown: np.ndarray = np.array([masked(str(each)) for each in distinct], str)[codes]
    return shown
