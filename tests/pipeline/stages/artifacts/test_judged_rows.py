"""Tables as the statistics want them: labels, cards and groups of each row."""

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.stages.artifacts.judged_rows import GROUPING_SIZE, OWN_PLACE, judged_rows, policy_rows, row_details
from pipeline.storage.content import write_table
from tests.fixtures.evaluated import evaluate_context

TIMES = pa.array([10, 20, 30], pa.timestamp("us", "UTC"))


def table(labels=(0, 1, None)):
    return pa.table({"event_time": TIMES, "label": pa.array(labels, pa.int8())})


def details(**columns):
    values = {"event_time": TIMES.to_pandas(), "amount": [1.0, 2.0, 3.0]}
    return pd.DataFrame(values | columns)


def test_a_label_that_is_not_known_is_nan():
    np.testing.assert_array_equal(judged_rows(table(), details()).labels, [0, 1, np.nan])


def test_times_are_microseconds_since_the_epoch():
    np.testing.assert_array_equal(judged_rows(table(), details()).event_time, [10, 20, 30])


def test_rows_of_one_card_share_a_code_and_a_missing_card_has_a_negative_one():
    rows = judged_rows(table(), details(card_id=["a", None, "a"], new_card=[True, False, False]))
    assert rows.card[0] == rows.card[2] >= 0 > rows.card[1]
    assert rows.new_card.tolist() == [True, False, False]


def test_rows_of_one_merchant_share_a_code_and_merchants_are_no_grouping():
    rows = judged_rows(table(), details(merchant_id=["m", "n", None]))
    assert rows.merchant.tolist() == [0, 1, -1]
    assert "merchant_id" not in rows.groups


def test_data_without_cards_merchants_or_weights_has_none():
    rows = judged_rows(table(), details())
    assert rows.card is rows.new_card is rows.merchant is rows.weight is None


def test_the_label_weight_of_the_feature_table_is_the_weight_of_the_row(small_run, tmp_path):
    context = evaluate_context(small_run, tmp_path, own=("ingest", "features"))
    transactions = {"event_time": TIMES, "amount": [1.0, 2.0, 3.0]}
    write_table(context.run / "ingest" / "transactions.parquet", pa.table(transactions))
    weight = pa.array([9.0, 1.5, 1.0], pa.float32())
    features = pa.table({"fold": [None, "test", "test"], "label_weight": weight})
    write_table(context.run / "features" / "features.parquet", features)
    found = row_details(context, "test")
    assert judged_rows(table().slice(1), found).weight.tolist() == [1.5, 1.0]


def test_a_column_of_many_values_is_no_grouping_and_a_missing_value_is_a_group():
    size = GROUPING_SIZE + 1
    many = pa.table(
        {"event_time": pa.array(range(size), pa.timestamp("us", "UTC")), "label": pa.nulls(size, pa.int8())}
    )
    frame = pd.DataFrame(
        {"amount": np.ones(size), "few": ["x", None] + ["y"] * (size - 2), "many": map(str, range(size))}
    )
    rows = judged_rows(many, frame)
    assert list(rows.groups) == ["few"]
    assert rows.groups["few"][:3].tolist() == ["x", "(missing)", "y"]


def test_a_card_is_compromised_whose_fraud_was_known_before_the_fold_began(small_run, tmp_path):
    context = evaluate_context(small_run, tmp_path, own=("ingest", "features"))
    moments = pa.timestamp("us", "UTC")
    transactions = {
        "event_time": pa.array([1, 2, 3, 10, 11, 12, 13], moments),
        "card_id": ["found", "late", "honest", "found", "late", "honest", None],
        "amount": np.ones(7),
        "label": pa.array([1, 1, 0, 0, 1, 1, 1], pa.int8()),
        "label_available_at": pa.array([9, 10, 4, 20, 20, 20, 20], moments),
    }
    write_table(context.run / "ingest" / "transactions.parquet", pa.table(transactions))
    folds = pa.table({"fold": [None, None, None, "test", "test", "test", "test"]})
    write_table(context.run / "features" / "features.parquet", folds)
    frame = row_details(context, "test")
    assert frame["compromised"].tolist() == [True, False, False, False]
    judged = judged_rows(pa.table(transactions).slice(3), frame)
    assert judged.compromised.tolist() == [True, False, False, False]
    assert judged.where(np.array([True, False, False, True])).compromised.tolist() == [True, False]
    assert "compromised" not in judged.groups


def test_a_card_is_new_in_its_first_row_of_all_data_and_not_of_the_fold(small_run, tmp_path):
    context = evaluate_context(small_run, tmp_path, own=("ingest", "features"))
    transactions = {
        "event_time": pa.array([1, 2, 3, 4, 5], pa.timestamp("us", "UTC")),
        "card_id": ["seen", "seen", "new", "new", None],
        "amount": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    write_table(context.run / "ingest" / "transactions.parquet", pa.table(transactions))
    folds = pa.table({"fold": [None, "test", "test", "test", "test"]})
    write_table(context.run / "features" / "features.parquet", folds)
    found = row_details(context, "test")
    assert found["amount"].tolist() == [2.0, 3.0, 4.0, 5.0]
    assert found["new_card"].tolist() == [False, True, False, False]


def test_what_a_policy_did_is_none_of_the_groupings_and_absent_without_one():
    details = pd.DataFrame({"amount": [1.0, 2.0], "action": ["blocked", None], "approval_probability": [0.1, np.nan]})
    found = policy_rows(details, cap=25.0)
    assert found.blocked.tolist() == [True, False]
    assert found.without_support.tolist() == [False, False]
    assert policy_rows(details[["amount"]], cap=25.0) is None
    assert policy_rows(details[["amount", "approval_probability"]], cap=25.0).blocked.tolist() == [False, False]
    assert {"action", "approval_probability"} <= {*OWN_PLACE}


def test_a_group_is_named_without_a_card_number():
    groups = judged_rows(table(), details(channel=["chip", "4111 1111 1111 1111", None])).groups
    assert groups["channel"].tolist() == ["chip", "…", "(missing)"]
