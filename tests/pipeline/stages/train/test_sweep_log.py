"""One nested run a setting, read back from the journal."""

import numpy as np
import pytest
from scipy.special import expit

from evaluation.selection import Setting, SettingOutcome, rank_sweep
from pipeline.stages.train.sweep_log import RAW_AND_INVERSE, SAME_EITHER_WAY, log_sweep
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog

RNG = np.random.default_rng(0)
MARGINS = RNG.normal(-2, 2, 600)
LABELS = (RNG.random(600) < expit(MARGINS)).astype(np.float64)


def outcome(smoothing, *, repeat=0, noise=0.0):
    margins = MARGINS + noise * np.random.default_rng(repeat + 1).normal(size=600)
    return SettingOutcome(Setting(smoothing, "none", "example"), repeat, margins, expit(margins), 0.9)


def logged(tmp_path, *outcomes):
    """Ranking of the outcomes, and the records of the journal after they were logged."""
    journal = Journal(tmp_path / "journal.jsonl")
    run = StageLog(journal, "run", parent=None)
    log = run.child("train", name="train")
    ranking = rank_sweep(LABELS, outcomes, event_time=np.arange(600), folds=3, auc_tolerance=0.5)
    log_sweep(log, ranking, outcomes, labels=LABELS, bins=15)
    return ranking, list(journal.records())


def of(records, kind, key):
    return {
        name: value
        for each in records
        if (each.kind, each.key) == (kind, key)
        for name, value in each.content["values"].items()
    }


def test_settings_hang_on_the_run_and_the_best_comes_last(tmp_path):
    ranking, records = logged(tmp_path, outcome(0.0), outcome(0.1, noise=1.0))
    opened = [each for each in records if each.kind == "open" and each.key != "run/train"]
    assert [each.key for each in opened] == ["run/train/none-example-0.1", "run/train/none-example-0"]
    assert {each.content["parent"] for each in opened} == {"run"}
    assert ranking.selected.smoothing == 0
    assert of(records, "tags", opened[-1].key)["harbor.selected"] == "True"
    chosen = {"smoothing": "0", "class_weight": "none", "weighting": "example"}
    assert of(records, "params", "run") == chosen | {"smallest_mean": "ε = 0, no class weights"}


def test_the_selected_setting_comes_last_though_another_has_the_smallest_mean(tmp_path):
    ranking, records = logged(tmp_path, outcome(0.0, noise=0.05), outcome(0.1, noise=0.04))
    assert ranking.rows[0].setting != ranking.selected
    opened = [each.key for each in records if each.kind == "open"]
    assert opened[-1] == "run/train/none-example-0"
    behind = of(records, "metrics", opened[-1])["valid_behind"]
    assert behind == ranking.behind(ranking.selected).value > 0


def test_numbers_are_those_of_the_ranking_and_named_for_valid(tmp_path):
    ranking, records = logged(tmp_path, outcome(0.0), outcome(0.1, noise=1.0))
    found = of(records, "metrics", "run/train/none-example-0.1")
    row = ranking.rows[1]
    assert (found["rank"], found["valid_log_loss_affine"]) == (2, pytest.approx(row.log_loss_affine))
    for name in SAME_EITHER_WAY:
        assert found[f"valid_{name}"] == pytest.approx(row.raw[name])
    for name in RAW_AND_INVERSE:
        assert found[f"valid_{name}_inverse"] == pytest.approx(row.inverted[name])


def test_repeats_have_a_run_each_beside_that_of_their_means(tmp_path):
    _, records = logged(tmp_path, *(outcome(0.0, repeat=repeat, noise=0.3) for repeat in range(2)))
    keys = [each.key for each in records if each.kind == "open"]
    assert keys[1:] == [f"run/train/none-example-0{end}" for end in ("-0", "-1", "")]
    assert of(records, "params", keys[-1])["repeat"] == "mean of 2"
    assert [of(records, "tags", key)["harbor.level"] for key in keys[1:]] == ["repeat", "repeat", "setting"]


def test_every_run_that_is_opened_is_closed(tmp_path):
    _, records = logged(tmp_path, outcome(0.0), outcome(0.0, repeat=1, noise=0.1), outcome(0.1, noise=1.0))
    opened = [each.key for each in records if each.kind == "open"]
    closed = [each.key for each in records if each.kind == "close"]
    assert sorted(closed) == sorted(opened[1:])
