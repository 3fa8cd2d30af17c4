import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from evaluation.statistics.ranking import average_precision, roc_auc
from tests.oracles.evaluation import pairwise_auc

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


def test_no_frauds_give_nan():
    assert np.isnan(average_precision([0, 0], [0.1, 0.2]))
    assert np.isnan(roc_auc([0, 0], [0.1, 0.2]))
