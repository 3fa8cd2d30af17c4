"""Maps, hybrid and comparison on calib, as the small run has them."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from evaluation.selection import time_blocks
from models.calibration import fit_calibrator
from models.hybrid import fit_hybrid
from pipeline.runs.settings import read_settings
from pipeline.stages.artifacts.candidates import HYBRID_MEMBERS, comparison_logits, raw_scores
from pipeline.stages.artifacts.model_files import load_calibration, load_models
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
