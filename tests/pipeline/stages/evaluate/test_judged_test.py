"""The test fold as a judgement begins with it: one order of rows for all that is said of them."""

import numpy as np
import pyarrow.parquet as pq


def test_rows_tables_and_probabilities_share_one_order(judged):
    rows = judged.table.num_rows
    assert len(judged.details) == rows
    assert {len(p) for p in judged.probabilities.values()} == {rows}
    np.testing.assert_array_equal(judged.rows.event_time, judged.table["event_time"].cast("int64").to_numpy())


def test_probabilities_are_those_that_the_run_wrote(judged, small_run):
    written = pq.read_table(small_run / "evaluate" / "scores.parquet")
    for name in ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed"):
        np.testing.assert_array_equal(judged.probabilities[name], written[name].to_numpy())


def test_a_run_without_a_champion_is_judged_without_one(judged):
    assert judged.champion is judged.anchor is None


def test_every_row_of_calib_is_scored_by_the_maps_that_serve(judged, context):
    rows = context.features("calib", labels=False).num_rows
    assert {name: len(p) for name, p in judged.served.items()} == dict.fromkeys(judged.probabilities, rows)
