"""What drift looks at: the newest rows, which are those after test where there are enough."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.report.evidence import ChampionScores
from evaluation.selection import rank_sweep
from features.times import time_text
from pipeline.stages.artifacts.sweep_files import read_outcomes
from pipeline.stages.evaluate import drift_rows
from pipeline.stages.evaluate.champion_rows import ChampionRows
from pipeline.stages.evaluate.drift_rows import drift_report
from pipeline.stages.evaluate.shadow import rows_after_test
from tests.fixtures.evaluated import evaluate_context


@pytest.fixture(scope="module")
def sweep(context):
    """The sweep on valid and its ranking, by name."""
    train = context.run / "train"
    valid = read_outcomes(train / "valid.parquet", train / "sweep.json", floor=1e-3)
    ranking = rank_sweep(valid.labels, valid.outcomes, event_time=valid.event_time, folds=5, auc_tolerance=0.002)
    return {"ranking": ranking}


def test_without_rows_after_test_the_newest_ones_are_test(context, judged, sweep):
    found = drift_report(context, judged, None, **sweep)
    assert found["recent"]["rows"] == judged.table.num_rows
    fold = context.features_report.folds["train"]
    assert found["reference"]["rows"] == fold.rows - sum(fold.cold) < fold.rows


@pytest.mark.parametrize(("fewest", "late"), [(50, True), (10**6, False)])
def test_rows_after_test_are_the_newest_ones_where_there_are_enough(
    small_run, judged, sweep, tmp_path, monkeypatch, fewest, late
):
    monkeypatch.setattr(drift_rows, "FEWEST_ROWS", fewest)
    border = int(np.quantile(judged.rows.event_time, 2 / 3)) // 1_000_000 * 1_000_000
    context = evaluate_context(small_run, tmp_path, end_of_test=time_text(border))
    after_test = rows_after_test(context, judged)
    found = drift_report(context, judged, after_test, **sweep)
    assert found["recent"]["rows"] == (after_test.table.num_rows if late else judged.table.num_rows)


def test_a_champions_calibration_is_checked_on_rows_it_has_not_seen(context, judged, sweep):
    middle = int(np.median(judged.rows.event_time))
    champion = ChampionScores("7", judged.probabilities["hybrid"], middle)
    crowned = replace(judged, champion=ChampionRows(champion, np.empty(0)))
    found = drift_report(context, crowned, None, **sweep)["recheck"]["calibration"]
    unseen = (judged.rows.event_time > middle) & np.isfinite(judged.rows.labels)
    assert found["rows"] == unseen.sum()
