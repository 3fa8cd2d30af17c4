"""Transactions whose id came more than once: which repeats are harmless, and which leave nobody sure what happened."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

IDENTICAL = "transaction_id: must be unique, an identical row came before"
DIFFERENT = "transaction_id: must be unique, the rows with this id differ (repeats in the preset can say which counts)"
LABELS_DISAGREE = (
    "transaction_id: must be unique, the rows with this id disagree on the label "
    "(repeats in the preset can say which counts)"
)
LABELLED = "transaction_id: must be unique, the same row came again with its label"
REPLACED = "transaction_id: must be unique, another row of this id counts"
KEPT = ""
OF_THE_LABEL = ("label", "label_available_at", "label_source", "opinion")
"""What a later delivery may fill in without being another transaction."""


def id_keys(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """64 bits for each id: equal ids have equal keys, and different ids almost always different ones."""
    if pa.types.is_integer(ids.type):
        integers: NDArray[np.int64] = ids.to_numpy()
        return integers
    keys: NDArray[np.uint64] = pd.util.hash_array(ids.to_numpy(zero_copy_only=False).astype(object), categorize=False)
    return keys.view(np.int64)


def suspects(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of all rows whose key is not alone, in order."""
    ordered = np.sort(keys)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return np.flatnonzero(np.isin(keys, repeated)) if len(repeated) else np.zeros(0, np.int64)


def duplicate_reasons(rows: pa.Table) -> NDArray[np.object_]:
    """Why each of these rows cannot stay; "" where it can.

    Of identical rows the first stays, and of rows that are the same but for a label that was not known yet the one
    that knows it. Where rows of one id differ in more, none stays: no rule could tell which is true, and "the last one"
    would make the result depend on the order of the files.

    Args:
        rows: canonical rows in source order, all rows of every id among them.
    """
    whole = rows.to_pandas(types_mapper=pd.ArrowDtype)
    waiting = _labelled_elsewhere(whole)
    frame = whole[~waiting]
    distinct = frame.drop_duplicates()
    several = distinct["transaction_id"].value_counts()
    labels = (
        distinct.dropna(subset=["label"]).drop_duplicates(["transaction_id", "label"])["transaction_id"].value_counts()
    )
    differ = whole["transaction_id"].isin(several.index[several > 1])
    disagree = whole["transaction_id"].isin(labels.index[labels > 1])
    again = pd.Series(np.zeros(len(whole), bool))
    again[~waiting] = frame["transaction_id"].duplicated()
    reasons = np.full(rows.num_rows, KEPT, object)
    told = ((again, IDENTICAL), (pd.Series(waiting), LABELLED), (differ, DIFFERENT), (disagree, LABELS_DISAGREE))
    for mask, reason in told:
        reasons[mask.to_numpy(bool)] = reason
    return reasons


def replaced_reasons(ids: pa.Array, ranks: NDArray[np.int64], *, keep: str) -> NDArray[np.object_]:
    """The same where one row of each id counts: the first or the last by rank, and among equal ranks by place.

    Args:
        ids: transaction ids in source order, all rows of every id among them [N].
        ranks: place of each row's kind [N].
        keep: "first" or "last".
    """
    frame = pd.DataFrame({"id": ids.to_pandas(types_mapper=pd.ArrowDtype), "rank": ranks})
    ordered = frame.sort_values("rank", kind="stable")
    counts = ~ordered["id"].duplicated(keep=keep)
    reasons = np.full(len(ids), REPLACED, object)
    reasons[counts.index[counts.to_numpy(bool)]] = KEPT
    return reasons


def lost_frauds(ids: pa.Array, labels: pa.Array, reasons: NDArray[np.object_]) -> int:
    """How many ids were fraud in a row that went and are not in the one that stays."""
    frame = pd.DataFrame(
        {
            "id": ids.to_pandas(types_mapper=pd.ArrowDtype),
            "fraud": pc.fill_null(pc.equal(labels, 1), False).to_numpy(False),
        }
    )
    stays = reasons == KEPT
    fraud = frame["fraud"].to_numpy(bool)
    return len(set(frame["id"][fraud & ~stays]) - set(frame["id"][fraud & stays]))


def _labelled_elsewhere(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows without a label of which another row says all the same and has one [N]."""
    same = frame.groupby([name for name in frame if name not in OF_THE_LABEL], dropna=False).ngroup().to_numpy()
    known = frame["label"].notna().to_numpy(bool)
    waiting: NDArray[np.bool_] = ~known & np.isin(same, same[known])
    return waiting
