"""Transactions whose id came more than once: which repeats are harmless, and which leave nobody sure what happened."""

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

IDENTICAL = "transaction_id: must be unique, an identical row came before"
DIFFERENT = "transaction_id: must be unique, the rows with this id differ"
LABELS_DISAGREE = "transaction_id: must be unique, the rows with this id disagree on the label"
KEPT = ""


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

    Of identical rows the first stays. Where rows of one id differ, none stays: no rule could tell which is true, and
    "the last one" would make the result depend on the order of the files.

    Args:
        rows: canonical rows in source order, all rows of every id among them.
    """
    plain = [field.name for field in rows.schema if not pa.types.is_nested(field.type)]  # the rest follows the id
    frame = rows.select(plain).to_pandas(types_mapper=pd.ArrowDtype)
    distinct = frame.drop_duplicates()
    several = distinct["transaction_id"].value_counts()
    labels = (
        distinct.dropna(subset=["label"]).drop_duplicates(["transaction_id", "label"])["transaction_id"].value_counts()
    )
    differ = frame["transaction_id"].isin(several.index[several > 1])
    disagree = frame["transaction_id"].isin(labels.index[labels > 1])
    again = frame["transaction_id"].duplicated()
    reasons = np.full(rows.num_rows, KEPT, object)
    for mask, reason in ((again, IDENTICAL), (differ, DIFFERENT), (disagree, LABELS_DISAGREE)):
        reasons[mask.to_numpy(bool)] = reason
    return reasons
