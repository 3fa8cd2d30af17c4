import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from evaluation.statistics.ranking import average_precision, recall_at_budget, roc_auc
from tests.oracles.evaluation import budget_recall, pairwise_auc

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=30)


@settings(max_examples=40)
@given(rows=ROWS)
def test_auc_counts_pairs_and_halves_ties(rows):
    y, p = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if 0 < y.sum() < y.size:
        assert roc_auc(y, p / 6) == pytest.approx(pairwise_auc(y, p))


def test_auc_and_average_precision_equal_scikit_learn_with_ties_and_weights():
    rng = np.random.default_rng(5)
    y, p, w = (rng.random(4000) < 0.05).astype(float), np.round(rng.random(4000), 2), rng.random(4000)
    assert roc_auc(y, p, weight=w) == pytest.approx(roc_auc_score(y, p, sample_weight=w))
    assert average_precision(y, p, weight=w) == pytest.approx(average_precision_score(y, p, sample_weight=w))


@settings(max_examples=40)
@given(rows=ROWS)
def test_a_monotone_map_keeps_the_ranking(rows):
    y, p = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    mapped = (p / 6) ** 3 / 2 + 0.1
    assert roc_auc(y, mapped) == pytest.approx(roc_auc(y, p / 6), nan_ok=True)
    assert average_precision(y, mapped) == pytest.approx(average_precision(y, p / 6), nan_ok=True)


def test_recall_at_budget_is_the_mean_over_ways_to_break_ties():
    rng = np.random.default_rng(8)
    y, p = (rng.random(200) < 0.2).astype(float), rng.integers(0, 5, 200) / 5
    assert recall_at_budget(y, p, budget=0.25) == pytest.approx(budget_recall(y, p, 0.25, rng), abs=0.01)


def test_recall_at_budget_without_ties_takes_the_top_rows():
    y, p = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1.0]), np.linspace(1, 0, 10)
    assert recall_at_budget(y, p, budget=0.3) == pytest.approx(2 / 3)
    assert recall_at_budget(y, p, budget=1.0) == 1.0


def test_value_recall_weighs_frauds_by_amount():
    y, p, amount = np.array([1, 0, 1.0]), np.array([0.9, 0.5, 0.1]), np.array([30.0, 5.0, 10.0])
    assert recall_at_budget(y, p, budget=1 / 3, amount=amount) == pytest.approx(0.75)


def test_an_impossible_budget_or_amount_is_refused():
    with pytest.raises(ValueError, match=r"budget must lie in \(0, 1\], got 0"):
        recall_at_budget([0, 1], [0.1, 0.2], budget=0)
    with pytest.raises(ValueError, match=r"amount must be finite and ≥ 0, got -1\.0 in row 1"):
        recall_at_budget([0, 1], [0.1, 0.2], budget=0.5, amount=[1, -1])


def test_no_frauds_give_nan():
    assert np.isnan(recall_at_budget([0, 0], [0.1, 0.2], budget=0.5))
    assert np.isnan(average_precision([0, 0], [0.1, 0.2]))
