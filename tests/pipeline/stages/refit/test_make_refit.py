"""The refit of the small run: what it leaves, what it may see, and what makes the judged model ship."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.stages.artifacts.model_files import load_saved_models
from pipeline.stages.artifacts.refit_report import read_refit
from pipeline.stages.refit.make_refit import make_refit
from tests.fixtures.refitted import refit_context


def report(context):
    return json.loads((context.out / "report.json").read_text())


def test_a_refit_that_passes_its_guards_ships_with_maps_and_thresholds(refitted):
    assert read_refit(refitted.out).refitted, report(refitted)["reasons"]
    models = load_saved_models(refitted.out, posterior_floor=1e-3)
    assert set(models.heads) == {"mlp", "mlp_unsmoothed"}
    points = json.loads((refitted.out / "thresholds.json").read_text())["points"]
    assert {"alert_budget", "cost_optimal", "precision_floor", "expected_loss"} == set(points)


def test_it_is_younger_than_the_judged_model(refitted):
    found = report(refitted)
    assert found["refit"]["age_days"] < 1 < 30 < found["judged"]["age_days"]
    assert read_refit(refitted.out).refit_seen_until > read_refit(refitted.out).judged_seen_until


def test_every_block_is_scored_by_a_model_that_had_seen_nothing_of_it(refitted):
    found = report(refitted)
    assert len(found["blocks"]) == 3
    assert all(block["fitted_until"] <= block["from"] for block in found["blocks"])


def test_the_judged_model_is_compared_on_rows_alone_that_it_has_not_seen(refitted):
    table = pq.read_table(refitted.out / "prequential.parquet")
    time = table["event_time"].cast("int64").to_numpy()
    seen = time <= read_refit(refitted.out).judged_seen_until
    assert table["judged"].is_null().to_numpy()[seen].all()
    assert table["judged"].is_valid().to_numpy()[~seen].all()


def test_the_account_says_what_was_not_measured(refitted):
    page = (refitted.out / "report.html").read_text(encoding="utf-8")
    card = (refitted.out / "model_card.md").read_text(encoding="utf-8")
    for text in (page, card):
        assert "was measured on it" in text
        assert "Assumed, not shown" in text
        assert "It is brought back when" in text


def test_no_label_is_read_before_evaluate_has_finished(small_run, tmp_path):
    context = refit_context(small_run, tmp_path / "run", own=["evaluate"])
    (tmp_path / "run" / "evaluate" / "DONE").unlink()
    with pytest.raises(PermissionError, match="before evaluate has finished"):
        make_refit(context)


def test_without_a_refit_the_judged_model_ships_and_says_so(small_run, tmp_path):
    context = refit_context(small_run, tmp_path / "run", assignments=["refit.enabled=false"])
    make_refit(context)
    assert not read_refit(context.out).refitted
    assert "The judged model itself ships" in (context.out / "model_card.md").read_text()
    assert not (context.out / "booster.ubj").exists()


def test_the_same_rows_give_the_same_refit_with_blocks_of_an_earlier_night(refitted, small_run):
    again = refit_context(small_run, refitted.run.with_name("again"))
    assert "3 of them of earlier nights" in make_refit(again)
    assert (again.out / "booster.ubj").read_bytes() == (refitted.out / "booster.ubj").read_bytes()
    one, two = (pq.read_table(each.out / "prequential.parquet") for each in (refitted, again))
    assert one.equals(two)
    assert np.isfinite(one["served"].to_numpy()).all()
