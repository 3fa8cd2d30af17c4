"""Posterior, calibrators and combinations in the graph against the models' own code."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from models.calibration import LARGEST_LOGIT, Affine, Beta, Identity, Isotonic, Temperature
from models.hybrid import Hybrid
from models.losses import LossSettings, class_ratio, posterior
from pipeline.stages.export.graph.nodes import Nodes
from pipeline.stages.export.graph.probability_nodes import (
    calibrated_log_odds,
    posterior_log_odds,
    probability_of_log_odds,
)
from tests.fixtures.graphs import run_nodes


@settings(max_examples=60, deadline=None)
@given(
    smoothing=st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.6]),
    ratio=st.floats(0.05, 200),
    weighting=st.sampled_from(["example", "column"]),
    gamma=st.sampled_from([0.0, 0.0, 0.5, 2.0]),
    floor=st.sampled_from([1e-3, 1e-5, 0.2]),
    prior=st.sampled_from([None, None, 0.001, 0.02]),
    kept=st.sampled_from([1.0, 0.25, 0.01]),
)
def test_the_posterior_in_the_graph_is_that_of_the_losses(
    smoothing, ratio, weighting, gamma, floor, prior, kept
) -> None:
    setting = LossSettings(smoothing, ratio, weighting, "uniform" if prior is None else "prior", gamma, prior, kept)
    margins = np.concatenate([np.linspace(-25, 25, 301), np.linspace(-0.1, 0.1, 21), [-40.0, 40.0]])

    def build(nodes: Nodes) -> None:
        nodes.split(probability_of_log_odds(nodes, posterior_log_odds(nodes, "x", [setting], floor=floor)), ["y"])

    found = run_nodes(build, {"x": margins})
    expected = expit(np.clip(posterior(margins, setting, floor=floor).log_odds, -LARGEST_LOGIT, LARGEST_LOGIT))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(np.log(found), np.log(expected), atol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.01, 0.1, 0.2])
@pytest.mark.parametrize("weighting", ["example", "column"])
def test_log_odds_in_the_graph_are_finite_and_strictly_increasing(weighting, smoothing, gamma) -> None:
    margin = np.unique(np.concatenate([np.linspace(-2000, 2000, 4001), np.linspace(-50, 50, 5001)]))
    for class_weight in ("none", "sqrt", "balanced"):
        setting = LossSettings(smoothing, class_ratio(class_weight, 0.018), weighting, gamma=gamma)
        found = run_nodes(partial(graph_log_odds, setting), {"x": margin})
        assert np.isfinite(found).all()
        assert (np.diff(found) > 0).all()
        np.testing.assert_allclose(found, posterior(margin, setting, floor=1e-3).log_odds, atol=1e-7)


def graph_log_odds(setting: LossSettings, nodes: Nodes) -> None:
    nodes.split(posterior_log_odds(nodes, "x", [setting], floor=1e-3), ["y"])


@pytest.mark.parametrize(
    "calibrator",
    [
        Identity(),
        Temperature(2.5),
        Affine(0.7, -1.5),
        Beta(0.5, 2.0, 0.3),
        Isotonic((-3.0, -1.0, 0.5, 4.0), (0.001, 0.02, 0.02, 0.9)),
        Isotonic((0.5,), (0.02,)),
    ],
    ids=lambda each: each.kind,
)
def test_a_calibrator_in_the_graph_is_its_apply(calibrator) -> None:
    logits = np.concatenate([np.linspace(-60, 60, 241), np.linspace(-2000, 2000, 41), [-1.0, 0.5, 1e-300]])

    def build(nodes: Nodes) -> None:
        maps = {"calibrators": {"c": calibrator}, "hybrids": {}, "outputs": ["c"]}
        nodes.split(probability_of_log_odds(nodes, calibrated_log_odds(nodes, "x", ["c"], **maps)), ["y"])

    np.testing.assert_allclose(run_nodes(build, {"x": logits}), calibrator.apply(logits), rtol=1e-9, atol=1e-15)


def test_a_combination_is_the_hybrids_own_of_calibrated_members() -> None:
    rng = np.random.default_rng(3)
    maps = {"mlp": Affine(0.7, -1.5), "xgboost": Beta(0.5, 2.0, 0.3)}
    hybrid = Hybrid(("mlp", "xgboost"), (0.4, 0.7), 0.05, True, "")
    log_odds = {name: rng.normal(0, 4, 200) for name in maps}

    def build(nodes: Nodes) -> None:
        raw = nodes.joined(list(maps))
        found = calibrated_log_odds(
            nodes, raw, list(maps), calibrators=maps, hybrids={"hybrid": hybrid}, outputs=["hybrid"]
        )
        nodes.split(probability_of_log_odds(nodes, found), ["y"])

    expected = hybrid.apply({name: maps[name].log_odds(z) for name, z in log_odds.items()})
    np.testing.assert_allclose(run_nodes(build, log_odds), expected, rtol=1e-9)


def test_a_probability_stays_strictly_inside_zero_and_one() -> None:
    log_odds = np.array([-1e6, -800.0, 0.0, 800.0, 1e6])
    found = run_nodes(lambda nodes: nodes.split(probability_of_log_odds(nodes, "x"), ["y"]), {"x": log_odds})
    assert ((found > 0) & (found < 1)).all()
    assert found[2] == 0.5
