"""Maps from rows that no model had seen: cross-fitted by block, thresholds chosen on them."""

import numpy as np
import pyarrow as pa
import pytest

from evaluation.options import DecisionConfig
from evaluation.statistics.populations import JudgedRows
from features.times import DAY
from models.options import CalibrationConfig
from pipeline.stages.refit.pooled_rows import PooledRows, pooled_maps, pooled_thresholds, prequential_table

NAMES = ("logistic", "mlp", "mlp_unsmoothed", "xgboost")


def pooled(rng, *, rows=6000, unknown=0.1, shifts=(0.0, 0.0, 0.0)):
    time = np.sort(rng.integers(0, len(shifts) * 7 * DAY, rows))
    block = time // (7 * DAY) * 7 * DAY
    z = rng.normal(-2, 1.5, rows)
    shift = np.array(shifts)[time // (7 * DAY)]
    label = (rng.random(rows) < 1 / (1 + np.exp(-(z + shift)))).astype(float)
    label[rng.random(rows) < unknown] = np.nan
    moment = pa.array(time).cast(pa.timestamp("us", "UTC"))
    blank = pa.array(np.isnan(label))
    table = pa.table({
        "transaction_id": np.arange(rows), "event_time": moment,
        "label": pa.array(np.nan_to_num(label).astype(np.int8), mask=blank.to_numpy(zero_copy_only=False)),
        "label_weight": np.ones(rows, np.float32),
    })  # fmt: skip
    odds = {name: z * (1 + place) for place, name in enumerate(NAMES)}
    return PooledRows(table, JudgedRows(label, time, np.ones(rows)), block, odds)


def maps(rows, half_life=""):
    return pooled_maps(rows, config=CalibrationConfig(), half_life=half_life, now=21 * DAY)


def test_maps_undo_what_each_candidates_log_odds_are_off_by():
    found = maps(pooled(np.random.default_rng(1), rows=20_000))
    for place, name in enumerate(NAMES):
        assert found.calibration.calibrators[name].to_dict()["slope"] == pytest.approx(1 / (1 + place), rel=0.06)


def test_what_is_said_of_a_block_comes_from_the_others():
    rows = pooled(np.random.default_rng(2), unknown=0.0)
    last = rows.block == rows.block.max()
    wrong = np.where(last, 1 - rows.rows.labels, rows.rows.labels)
    other = PooledRows(rows.table, JudgedRows(wrong, rows.rows.event_time, rows.rows.amount), rows.block, rows.log_odds)
    one, two = (maps(each).probabilities["hybrid"] for each in (rows, other))
    np.testing.assert_array_equal(one[last], two[last])
    assert not np.array_equal(one[~last], two[~last])


def test_a_half_life_lets_the_maps_follow_the_newest_block():
    rows = pooled(np.random.default_rng(3), rows=12_000, shifts=(0.0, 0.0, 1.5))
    newest = rows.block == rows.block.max()
    plain, recent = (maps(rows, half_life).served["hybrid"][newest].mean() for half_life in ("", "2d"))
    assert recent > 1.3 * plain


def test_thresholds_are_chosen_and_described_on_the_pooled_rows():
    rows = pooled(np.random.default_rng(4))
    found = pooled_thresholds(rows, maps(rows), shipped="hybrid", decision=DecisionConfig(alert_budget=0.05))
    point = found["points"]["alert_budget"]
    assert (maps(rows).served["hybrid"] >= point["threshold"]).mean() == pytest.approx(0.05, abs=0.002)
    assert {"threshold", "meaning", "calib"} == point.keys()


def test_the_table_has_a_cross_fitted_probability_where_the_label_is_known():
    rows = pooled(np.random.default_rng(5))
    table = prequential_table(rows, maps(rows), shipped="hybrid", judged=np.full(6000, np.nan))
    np.testing.assert_array_equal(table["hybrid"].is_valid().to_numpy(), rows.known)
    assert table["served"].null_count == 0
    assert table["judged"].null_count == 6000
