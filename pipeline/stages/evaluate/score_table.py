"""The table of scores.parquet: one line a test row, for whoever wants to look at single transactions."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.stages.artifacts.judged_rows import CANDIDATES
from pipeline.stages.stage import label_weight


def score_table(table: pa.Table, details: pd.DataFrame, probabilities: Mapping[str, np.ndarray]) -> pa.Table:
    """Who, when, how much, the label, for how many rows of its class it stands, and P(fraud) by each candidate.

    Args:
        table: feature rows [N].
        details: card and amount of the same rows.
        probabilities: P(fraud) [N] by candidate.
    """
    cards = pa.array(details["card_id"]) if "card_id" in details else pa.nulls(table.num_rows, pa.string())
    transaction = {
        "transaction_id": table["transaction_id"],
        "event_time": table["event_time"],
        "card_id": cards,
        "amount": pa.array(details["amount"]),
        "label": table["label"],
        "weight": label_weight(table),
    }
    return pa.table(transaction | {name: pa.array(probabilities[name]) for name in CANDIDATES})
