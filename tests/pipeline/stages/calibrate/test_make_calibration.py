"""Maps, hybrid and comparison on calib, as the small run has them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation.selection import time_blocks
from evaluation.statistics.scores import brier
from models.calibration import fit_calibrator
from models.hybrid import fit_hybrid
from pipeline.runs.settings import read_settings
from pipeline.stages.artifacts.candidates import HYBRID_MEMBERS, calibrated_probabilities, comparison_logits, raw_scores
from pipeline.stages.artifacts.model_files import load_calibration, load_models
from pipeline.stages.artifacts.tails import tails
from pipeline.stages.calibrate.make_calibration import calibration_report, cross_fitted_rows
from pipeline.storage.content import read_json, read_table


@pytest.fixture(scope="module")
def calib(small_run):
    """The labelled rows of calib, and what the models say of them."""
    table = read_table(small_run / "features" / "features.parquet", filters=[("fold", "==", "calib")])
    config = read_settings(small_run).config.calibration
    models = load_models(small_run, posterior_floor=config.posterior_floor)
    rows = models.encoder.apply(table.filter(table["label"].is_valid()))
    return models, rows, raw_scores(models, rows, threads=1), config


def test_maps_and_hybrid_are_those_of_the_labelled_rows_of_calib(small_run, calib):
    _, rows, scores, config = calib
    calibration = load_calibration(small_run)
    for name, logits in scores.log_odds.items():
        assert calibration.calibrators[name] == fit_calibrator(
            rows.label, logits, method=config.method, config=config, weights=rows.weight
        )
    members = {name: calibration.calibrators[name].log_odds(scores.log_odds[name]) for name in HYBRID_MEMBERS}
    assert calibration.hybrid == fit_hybrid(rows.label, members, weights=rows.weight)


def test_a_block_is_mapped_by_a_fit_on_the_others(small_run, calib):
    models, rows, scores, config = calib
    written = pq.read_table(small_run / "calibrate" / "crossfitted.parquet")
    held = time_blocks(rows.time, folds=config.cross_fit_folds) == 2
    for epsilon, name, method, logits in comparison_logits(models, scores):
        fitted = fit_calibrator(
            rows.label[~held], logits[~held], method=method, config=config, weights=rows.weight[~held]
        )
        found = written[f"{epsilon:g}|{name}"].to_numpy()[held]
        np.testing.assert_allclose(found, fitted.apply(logits[held]), rtol=1e-12)


def test_rows_carry_the_weights_that_the_maps_were_fitted_with(small_run, calib):
    _, rows, _, _ = calib
    written = pq.read_table(small_run / "calibrate" / "crossfitted.parquet")
    np.testing.assert_array_equal(written["weight"].to_numpy(), rows.weight)
    assert rows.weight.max() > 1.05


def test_the_report_tells_every_note_under_the_name_of_its_candidate(small_run):
    report = read_json(small_run / "calibrate" / "report.json")
    noted = {f"{name}: {fitted['note']}" for name, fitted in report["calibrators"].items() if fitted["note"]}
    assert set(report["notes"]) == noted
    assert report["frauds"] <= report["rows"]


def test_tails_count_rows_by_the_weights_of_the_maps(small_run, calib):
    _, rows, scores, _ = calib
    low = {name: replace(p, tail=np.full(p.tail.shape, -1, np.int8)) for name, p in scores.posteriors.items()}
    report = calibration_report(load_calibration(small_run), rows, replace(scores, posteriors=low))
    assert report.tails == tails(low, rows.label, weight=rows.weight)
    assert report.tails != tails(low, rows.label)


def test_the_comparison_counts_rows_by_the_weights_of_the_maps(small_run, calib):
    _, rows, _, _ = calib
    (first,) = pq.read_table(small_run / "calibrate" / "comparison.parquet").slice(0, 1).to_pylist()
    written = pq.read_table(small_run / "calibrate" / "crossfitted.parquet")
    p = written[f"{first['smoothing']:g}|{first['calibrator']}"].to_numpy()
    assert first["brier"] == pytest.approx(brier(rows.label, p, weight=rows.weight))


def test_a_table_without_weights_counts_every_row_once():
    table = pa.table({"transaction_id": ["a", "b"], "event_time": [1, 2], "label": [0, 1]})
    found = cross_fitted_rows(table, {"mlp": np.array([0.1, 0.2])}, {})
    assert found["weight"].to_pylist() == [1.0, 1.0]
    assert found["weight"].type == pa.float32()


def test_what_serves_is_said_of_every_row_of_known_label_or_not(small_run, calib):
    models, _, _, _ = calib
    table = read_table(small_run / "features" / "features.parquet", filters=[("fold", "==", "calib")])
    written = pq.read_table(small_run / "calibrate" / "served.parquet")
    assert written["transaction_id"].equals(table["transaction_id"])
    assert table["label"].null_count
    scores = raw_scores(models, models.encoder.apply(table), threads=1)
    for name, p in calibrated_probabilities(load_calibration(small_run), scores.log_odds).items():
        np.testing.assert_allclose(written[name].to_numpy(), p, rtol=1e-5)
