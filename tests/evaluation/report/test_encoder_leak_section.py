"""The table of encoder forms: gains over no encoder, and what a useless id costs."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from evaluation.options import BootstrapSettings
from evaluation.report.encoder_leak_section import LeakArm, leak_lines, leak_section


def made():
    rng = np.random.default_rng(5)
    p = rng.beta(0.3, 6, size=4_000)
    return p, rng.permutation(p), (rng.random(p.size) < p).astype(np.float64)


def section(arms, labels):
    return leak_section(
        labels,
        arms,
        clusters=np.arange(labels.size),
        rng=np.random.default_rng(1),
        settings=BootstrapSettings(resamples=100),
    )


def test_a_form_that_helps_gains_and_an_id_that_blurs_it_costs():
    p, noise, labels = made()
    half, ruined = 0.5 * p + 0.5 * noise, noise
    arms = [
        LeakArm("as it is", "none", {"xgboost": half}),
        LeakArm("as it is", "logit", {"xgboost": p}),
        LeakArm("useless id", "none", {"xgboost": half}),
        LeakArm("useless id", "logit", {"xgboost": ruined}),
    ]
    plain, helped, same, hurt = section(arms, labels)
    assert plain["gain"] is None
    assert plain["cost"] is None
    assert helped["gain"]["low"] > 0
    assert same["cost"]["value"] == same["cost"]["high"] == 0
    assert hurt["cost"]["low"] > 0.1
    assert hurt["gain"]["high"] < 0
    assert helped["average_precision"]["value"] == pytest.approx(average_precision_score(labels, p))


def test_the_table_is_a_line_a_record():
    p, _, labels = made()
    records = section([LeakArm("as it is", "none", {"mlp": p, "xgboost": p})], labels)
    assert [line.partition(":")[0] for line in leak_lines(records)] == [
        "as it is · none · mlp",
        "as it is · none · xgboost",
    ]


def test_every_case_needs_the_form_that_the_others_are_compared_with():
    p, _, labels = made()
    with pytest.raises(ValueError, match="every case needs the form 'none'"):
        section([LeakArm("as it is", "logit", {"xgboost": p})], labels)
