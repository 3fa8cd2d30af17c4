"""The setting in use, as the champion's manifest has it and as the configuration names it."""

import pytest

from evaluation.report.recheck_section import SettingCheck
from evaluation.selection import rank_sweep
from models.options import SweepConfig
from pipeline.stages.artifacts.champion_setting import champion_check, champion_setting
from pipeline.stages.artifacts.sweep_files import read_outcomes
from pipeline.storage.content import read_json, write_json


def with_champion(run, *, epsilon=0.1, name="sqrt", ratio=7.0, weighting="example"):
    manifest = {
        "smoothing": {"epsilon": epsilon},
        "class_weight": {"name": name, "ratio": ratio, "weighting": weighting},
    }
    write_json(run / "champion" / "bundle" / "manifest.json", manifest)
    return run


def test_without_a_champion_there_is_no_setting(tmp_path):
    assert champion_setting(tmp_path, SweepConfig()) is None


def test_class_weights_of_another_name_are_no_setting_of_a_sweep(tmp_path):
    assert champion_setting(with_champion(tmp_path, name="by hand"), SweepConfig()) is None


def test_the_setting_is_that_of_the_manifest(tmp_path):
    found = champion_setting(with_champion(tmp_path, weighting="column"), SweepConfig(gamma=1.5))
    assert (found.class_weight, found.loss.smoothing, found.loss.ratio) == ("sqrt", 0.1, 7.0)
    assert (found.loss.weighting, found.loss.gamma) == ("column", 1.5)


@pytest.mark.parametrize(("epsilon", "smoothing"), [(0.1, 0.05), (0.1 + 1e-13, 0.05), (0.3, 0.15), (0.11, 0.055)])
def test_smoothing_has_its_place_in_the_configurations_convention(tmp_path, epsilon, smoothing):
    config = SweepConfig(convention="non_target")
    found = champion_setting(with_champion(tmp_path, epsilon=epsilon), config)
    assert found.loss.smoothing == pytest.approx(smoothing)
    assert (found.loss.smoothing in config.smoothing) == (smoothing in config.smoothing)
    assert found.loss.epsilon == pytest.approx(epsilon)


@pytest.mark.parametrize(("convention", "prior", "known"), [("prior", 0.03, True), ("prior", None, False)])
def test_smoothing_towards_the_prior_is_comparable_with_its_own_kind_alone(tmp_path, convention, prior, known):
    run = with_champion(tmp_path)
    path = run / "champion" / "bundle" / "manifest.json"
    write_json(path, read_json(path) | {"smoothing": {"epsilon": 0.1, "prior": prior}})
    found = champion_setting(run, SweepConfig(convention=convention))
    assert (found is not None) is known
    assert found is None or (found.loss.smoothing, found.loss.prior) == (0.1, 0.03)
    assert (champion_setting(run, SweepConfig()) is None) is known


def checked(small_run, run, **setting):
    train = small_run / "train"
    valid = read_outcomes(train / "valid.parquet", train / "sweep.json", floor=1e-3)
    ranking = rank_sweep(valid.labels, valid.outcomes, event_time=valid.event_time, folds=3, auc_tolerance=0.01)
    return ranking, champion_check(
        with_champion(run, **setting),
        SweepConfig(),
        ranking=ranking,
    )


def test_the_champions_setting_is_judged_by_its_place_in_the_ranking(small_run, tmp_path):
    ratio = next(
        each["loss"]["ratio"]
        for each in read_json(small_run / "train" / "sweep.json")["settings"]
        if each["class_weight"] == "balanced"
    )
    ranking, found = checked(small_run, tmp_path, name="balanced", ratio=ratio)
    assert isinstance(found, SettingCheck)
    place = [(row.setting.smoothing, row.setting.class_weight, row.setting.weighting) for row in ranking.rows]
    assert found.rank == 1 + place.index((0.1, "balanced", "example"))


def test_a_setting_that_the_sweep_did_not_try_cannot_be_checked(small_run, tmp_path):
    assert checked(small_run, tmp_path, epsilon=0.37)[1] is None
    assert checked(small_run, tmp_path, name="by hand")[1] is None
