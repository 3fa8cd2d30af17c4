"""Shadow rows: those after test, or a tenth of test that is the same in every run."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from evaluation.report.evidence import ChampionScores
from features.times import time_text
from pipeline.stages.evaluate.champion_rows import ChampionRows
from pipeline.stages.evaluate.shadow import (
    ShadowRows,
    hashed_tenth_of_test,
    rows_after_test,
    shadow_table,
)
from tests.fixtures.evaluated import evaluate_context


@pytest.fixture(scope="module")
def border(judged) -> int:
    """A moment that leaves a third of the test rows behind it."""
    return int(np.quantile(judged.rows.event_time, 2 / 3)) // 1_000_000 * 1_000_000


def test_nothing_is_after_a_test_fold_that_ends_with_the_data(context, judged):
    assert rows_after_test(context, judged) is None


def test_rows_after_test_are_scored_as_any_other_rows(small_run, judged, border, tmp_path):
    shortened = evaluate_context(small_run, tmp_path, end_of_test=time_text(border))
    found = rows_after_test(shortened, judged)
    later = judged.rows.event_time > border
    assert found.table["label"].null_count == found.table.num_rows == later.sum() > 0
    for name, values in found.candidates.items():
        np.testing.assert_allclose(values, judged.probabilities[name][later], rtol=1e-6)


def test_a_tenth_of_test_is_about_that_and_keeps_its_rows_together(judged):
    found = hashed_tenth_of_test(judged)
    assert 0.07 < found.table.num_rows / judged.table.num_rows < 0.13
    kept = pc.is_in(judged.table["transaction_id"], found.table["transaction_id"].combine_chunks()).to_numpy()
    np.testing.assert_array_equal(found.candidates["hybrid"], judged.probabilities["hybrid"][kept])
    np.testing.assert_array_equal(found.scores["mlp"], judged.scores.inverted["mlp"][kept])


def test_the_champion_of_the_tenth_is_that_of_the_same_rows(judged):
    said = np.linspace(0, 1, judged.table.num_rows)
    champion = ChampionRows(ChampionScores("1", said, 0), np.empty(0))
    found = hashed_tenth_of_test(replace(judged, champion=champion))
    kept = pc.is_in(judged.table["transaction_id"], found.table["transaction_id"].combine_chunks()).to_numpy()
    np.testing.assert_array_equal(found.champion, said[kept])


def rows_of(scores, champion=None):
    table = pa.table({"transaction_id": ["a", "b"], "event_time": [1, 2], "label": pa.nulls(2)})
    return ShadowRows(table, scores, {"hybrid": np.array([0.3, 0.4])}, champion)


def test_the_table_holds_no_label_and_the_champion_where_there_is_one():
    scores = {
        "mlp": np.array([0.0, 1.0]),
        "mlp_unsmoothed": np.array([0.0, -1.0]),
        "mlp_smoothed": np.array([2.0, 2.0]),
    }
    alone = shadow_table(rows_of(scores), shipped="hybrid")
    assert alone.column_names == ["transaction_id", "event_time", "unsmoothed", "smoothed", "hybrid"]
    assert alone["smoothed"].to_pylist() == pytest.approx([1 / (1 + np.exp(-2))] * 2)
    beside = shadow_table(rows_of(scores, champion=np.array([0.5, np.nan])), shipped="hybrid")
    assert beside["champion"].to_pylist() == [0.5, None]


def test_without_a_smoothed_twin_the_selected_head_is_the_smoothed_one():
    scores = {"mlp": np.array([0.0, 1.0]), "mlp_unsmoothed": np.array([5.0, 5.0])}
    assert shadow_table(rows_of(scores), shipped="hybrid")["smoothed"][0].as_py() == 0.5


def test_the_run_wrote_the_tenth(judged, small_run):
    written = pq.read_table(small_run / "evaluate" / "shadow.parquet")
    assert written.equals(shadow_table(hashed_tenth_of_test(judged), shipped="hybrid"))
