"""Techniques compared on the same rows, against one of them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss

from evaluation.options import BootstrapSettings
from evaluation.report.ablation_section import AblationArm, ablation_section, noise_section
from pipeline.sections import AblationConfig
from pipeline.stages.artifacts.recipes import PLAIN
from pipeline.stages.evaluate.judged_arms import noise_setting
from pipeline.stages.train.recipe_fits import ablation_notes, recipes

SETTINGS = BootstrapSettings(resamples=100)


def rows():
    rng = np.random.default_rng(5)
    p = rng.beta(0.3, 6, size=4_000)
    return p, (rng.random(p.size) < p).astype(np.float64)


def section(arms, labels, **weight):
    rng, clusters = np.random.default_rng(1), np.arange(labels.size)
    return ablation_section(labels, arms, reference="plain", clusters=clusters, rng=rng, settings=SETTINGS, **weight)


def noise(labels, cells, **weight):
    rng, clusters = np.random.default_rng(1), np.arange(labels.size)
    return noise_section(labels, cells, clusters=clusters, rng=rng, settings=SETTINGS, **weight)


def test_a_worse_arm_is_told_apart_from_the_reference_and_the_reference_from_nothing():
    p, labels = rows()
    blurred = np.full_like(p, labels.mean()) * 0.5 + p * 0.5
    arms = [AblationArm("plain", (), p, p, p, p), AblationArm("blurred", ("blur",), p, blurred, p, blurred)]
    plain, worse = section(arms, labels)["arms"]
    assert plain["difference"]["log_loss"]["value"] == plain["difference"]["log_loss"]["high"] == 0
    assert worse["difference"]["log_loss"]["low"] > 0
    assert worse["temperature_gain"]["high"] < 0
    assert worse["average_precision"]["value"] == pytest.approx(average_precision_score(labels, p))


def test_arms_need_names_of_their_own_and_the_reference_among_them():
    p, labels = rows()
    arm = AblationArm("other", (), p, p, p, p)
    with pytest.raises(ValueError, match="hold the reference 'plain'"):
        section([arm], labels)
    with pytest.raises(ValueError, match="names of their own"):
        section([AblationArm("plain", (), p, p, p, p)] * 2, labels)


def test_the_noise_table_has_a_cell_for_every_share_and_smoothing_beside_the_least_smoothing():
    p, labels = rows()
    cells = {(0.0, 0.0): p, (0.05, 0.1): np.sqrt(p), (0.05, 0.0): p}
    table = noise(labels, cells)
    assert [(cell["noise"], cell["smoothing"]) for cell in table] == list(cells)
    assert table[1]["log_loss"] == pytest.approx(log_loss(labels, np.sqrt(p)))
    assert table[0]["difference"]["high"] == table[2]["difference"]["low"] == 0
    assert table[1]["difference"]["low"] > 0


def test_certainty_misplaced_by_an_arm_is_told_as_trained_and_after_the_inverse():
    p, labels = rows()
    sure = np.where(np.arange(p.size) % 2, 0.99, p)
    arms = [AblationArm("plain", (), p, p, p, p), AblationArm("sure", (), sure, p, p, p)]
    record = section(arms, labels)["arms"][1]
    assert record["raw"]["share_negatives_above_095"] == pytest.approx((sure > 0.95)[labels == 0].mean())
    assert record["inverted"]["share_negatives_above_095"] < 0.01
    assert record["raw"]["precision_at_half"] == pytest.approx(labels[sure >= 0.5].mean())


def test_every_technique_of_the_guide_stands_alone_and_beside_smoothing():
    arms = recipes(AblationConfig(), prevalence=0.018, smoothings=(0.0, 0.1))
    names = [arm.name for arm in arms]
    assert len(set(names)) == len(names)
    for technique in ("class weights", "label smoothing", "focal loss", "mixup", "distillation"):
        assert technique in names
    assert sum(arm.loss.weighting == "column" for arm in arms) == 1
    assert PLAIN in names
    cells = [cell for arm in arms if (cell := noise_setting(arm)) is not None]
    assert cells == [(share, smoothing) for share in (0.0, 0.01, 0.05) for smoothing in (0.0, 0.1)]


def test_an_ablation_whose_mixup_smooths_twice_says_so():
    assert not any("twice" in note for note in ablation_notes(AblationConfig(), blocks=4))
    assert "with ε up to 0.1 they are smoothed twice" in ablation_notes(AblationConfig(mixup=0.4), blocks=4)[1]


def test_rows_of_late_classes_count_by_their_weight_in_both_tables():
    p, labels = rows()
    weight = np.where(labels > 0.5, 2.0, 1.0)
    (record,) = section([AblationArm("plain", (), p, p, p, p)], labels, weight=weight)["arms"]
    assert record["log_loss"]["value"] == pytest.approx(log_loss(labels, p, sample_weight=weight))
    assert record["raw"]["brier"] == pytest.approx(np.average((p - labels) ** 2, weights=weight))
    assert record["raw"]["share_above_half"] == pytest.approx(np.average(p > 0.5, weights=weight))
    (cell,) = noise(labels, {(0.0, 0.0): p}, weight=weight)
    assert cell["average_precision"] == pytest.approx(average_precision_score(labels, p, sample_weight=weight))
    assert cell["log_loss"] == pytest.approx(record["log_loss"]["value"])


def test_weights_of_one_change_no_bit_of_an_ablation():
    p, labels = rows()
    arms, ones = [AblationArm("plain", (), p, np.sqrt(p), p, p)], np.ones(labels.size)
    assert section(arms, labels) == section(arms, labels, weight=ones)
    assert noise(labels, {(0.0, 0.0): p}) == noise(labels, {(0.0, 0.0): p}, weight=ones)
