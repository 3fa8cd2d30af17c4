"""The table of scores.parquet."""

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.stages.artifacts.judged_rows import CANDIDATES
from pipeline.stages.evaluate.score_table import score_table

TABLE = pa.table(
    {
        "transaction_id": ["t1", "t2"],
        "event_time": [1, 2],
        "label": [0, 1],
        "label_weight": [1.0, 1.25],
        "feature": [7, 8],
    }
)
PROBABILITIES = {name: np.array([0.1, 0.2]) + place / 10 for place, name in enumerate(CANDIDATES)}


def test_a_row_says_who_when_how_much_and_what_each_candidate_says():
    found = score_table(TABLE, pd.DataFrame({"card_id": ["c", None], "amount": [5.0, 6.0]}), PROBABILITIES)
    assert found.column_names == ["transaction_id", "event_time", "card_id", "amount", "label", "weight", *CANDIDATES]
    assert found.slice(1, 1).to_pylist()[0] == {
        "transaction_id": "t2",
        "event_time": 2,
        "card_id": None,
        "amount": 6.0,
        "label": 1,
        "weight": 1.25,
        **{name: PROBABILITIES[name][1] for name in CANDIDATES},
    }


def test_data_without_cards_have_the_column_all_the_same():
    found = score_table(TABLE, pd.DataFrame({"amount": [5.0, 6.0]}), PROBABILITIES)
    assert found["card_id"].type == pa.string()
    assert found["card_id"].null_count == 2


def test_a_feature_table_without_weights_counts_every_row_once():
    found = score_table(TABLE.drop_columns(["label_weight"]), pd.DataFrame({"amount": [5.0, 6.0]}), PROBABILITIES)
    assert found["weight"].to_pylist() == [1.0, 1.0]
    assert found["weight"].type == pa.float32()
