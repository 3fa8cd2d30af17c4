"""What drift looks at: the newest rows, which are those after test where there are enough."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from evaluation.report.evidence import ChampionScores
from evaluation.selection import rank_sweep
from evaluation.statistics.champion_days import WatchedRows, champion_days
from evaluation.statistics.label_delay import fit_label_curves
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


def test_labels_dated_after_the_moment_of_an_incomplete_file_are_not_known_yet(small_run, judged, sweep, tmp_path):
    table = pq.read_table(small_run / "ingest" / "transactions.parquet")
    time, available = (table[name].cast(pa.int64()).to_numpy() for name in ("event_time", "label_available_at"))
    moment = int(time.max()) // 1_000_000 * 1_000_000
    label = np.where(available <= moment, pc.fill_null(table["label"].cast(pa.float64()), np.nan), np.nan)
    assert (available[table["label"].to_numpy() == 1] > moment).any()
    p = np.full(time.size, 0.02)
    champion = ChampionRows(ChampionScores("7", judged.probabilities["hybrid"], 0), np.empty(0), p)
    context = incomplete_context(small_run, tmp_path, moment)
    found = drift_report(context, replace(judged, champion=champion), None, **sweep)["detector"]
    curves = fit_label_curves(label, time, available, deadline=moment)
    frauds = champion_days(WatchedRows(label, p, time), curves, as_of=moment).frauds
    assert [day["observed"] for day in found["daily"]] == pytest.approx(frauds.observed)


def incomplete_context(small_run, runs, moment):
    """Evaluate in a run whose features stage thinks that half of the frauds of test are reported at a moment."""
    context = evaluate_context(small_run, runs, own=["features"])
    path = context.run / "features" / "report.json"
    shares = {"reported": 0.5, "reported_at_most": 0.6, "complete_after_days": 30.0}
    report = json.loads(path.read_text()) | {"maturity": {"moment": time_text(moment), **shares}}
    path.write_text(json.dumps(report))
    return context
