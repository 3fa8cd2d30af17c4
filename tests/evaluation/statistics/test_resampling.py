"""All statistics from folded rows, against the same rows written out."""

import numpy as np
import pytest

from evaluation.options import BootstrapSettings
from evaluation.statistics.resampling import foldable, statistics
from evaluation.statistics.sample import sample
from tests.oracles.evaluation import budget_recall, recall_at_budget, repeated_rows


def on_all_rows(labels, probabilities, *, amount=None, **changes):
    value = np.ones(len(labels)) if amount is None else np.asarray(amount, dtype=float)
    rows = np.arange(len(labels))
    f = foldable(sample(labels, probabilities), amount=value, settings=BootstrapSettings(**changes)).by(rows)
    return {name: float(found[0]) for name, found in statistics(f, np.ones((len(labels), 1))).items()}


def test_recall_at_budget_is_the_mean_over_ways_to_break_ties():
    rng = np.random.default_rng(8)
    y, p = (rng.random(200) < 0.2).astype(float), rng.integers(0, 5, 200) / 5
    found = on_all_rows(y, p, budget=0.25)["recall_at_budget"]
    assert found == pytest.approx(budget_recall(y, p, 0.25, rng), abs=0.01)
    assert found == pytest.approx(recall_at_budget(y, p, budget=0.25))


def test_recall_at_budget_without_ties_takes_the_top_rows():
    y, p = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1.0]), np.linspace(1, 0, 10)
    assert on_all_rows(y, p, budget=0.3)["recall_at_budget"] == pytest.approx(2 / 3)
    assert on_all_rows(y, p, budget=1.0)["recall_at_budget"] == 1.0


def test_value_recall_weighs_frauds_by_amount():
    found = on_all_rows([1, 0, 1.0], [0.9, 0.5, 0.1], amount=[30.0, 5.0, 10.0], budget=1 / 3)
    assert found["value_recall_at_budget"] == pytest.approx(0.75)


def test_a_cluster_drawn_twice_counts_as_its_rows_twice():
    rng = np.random.default_rng(3)
    y, p, codes = (rng.random(90) < 0.3).astype(float), rng.random(90).round(1), np.arange(90) % 9
    counts = rng.integers(0, 3, 9).astype(float)
    f = foldable(sample(y, p), amount=np.ones(90), settings=BootstrapSettings()).by(codes)
    rows = repeated_rows(codes, counts)
    twice = on_all_rows(y[rows], p[rows])
    for name, found in statistics(f, counts[:, None]).items():
        if not name.startswith(("calibration", "ece_equal")):  # one step and bins are those of the full sample
            assert found[0] == pytest.approx(twice[name]), name


def test_without_ranking_only_sums_are_kept():
    found = on_all_rows([1, 0, 0], [0.5, 0.4, 0.1], ranking=False)
    assert "brier" in found
    assert "roc_auc" not in found


def test_what_is_undefined_is_nan_and_never_a_number():
    found = on_all_rows([0, 0], [0.1, 0.2])
    assert np.isnan([found[name] for name in ("roc_auc", "average_precision", "brier_skill", "recall_at_budget")]).all()
