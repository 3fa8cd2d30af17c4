"""Ranking sums of many resamples, against the plain statistics of the rows written out."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from evaluation.options import BootstrapSettings
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.ranking_loop import LANES, ranking_sums
from evaluation.statistics.resampling import foldable
from evaluation.statistics.sample import sample
from tests.oracles.evaluation import recall_at_budget


def drawn_world(seed, *, resamples, amount=None):
    """Rows with ties in clusters, their folded thresholds, and how often each cluster was drawn."""
    rng = np.random.default_rng(seed)
    y, p, codes = (rng.random(300) < 0.1).astype(float), rng.random(300).round(2), np.arange(300) % 17
    value = np.ones(300) if amount is None else amount(rng)
    steps = foldable(sample(y, p), amount=value, settings=BootstrapSettings()).by(codes).steps
    counts = rng.multinomial(17, np.full(17, 1 / 17), size=resamples).T.astype(float)
    return y, p, codes, value, steps, counts


def sums_of(y, codes, steps, counts, *, budget=0.1):
    rows, frauds = (np.bincount(codes, weights=w) @ counts for w in (np.ones_like(y), y))
    return ranking_sums(steps, counts, rows=rows, frauds=frauds, budget=budget), rows, frauds


def test_every_resample_is_ranked_as_its_rows_written_out():
    y, p, codes, _, steps, counts = drawn_world(1, resamples=LANES + 3)
    (area, precision, caught, _), rows, frauds = sums_of(y, codes, steps, counts)
    for b in range(LANES + 3):
        weight = counts[codes, b]
        assert area[b] / (frauds[b] * (rows[b] - frauds[b])) == pytest.approx(roc_auc(y, p, weight=weight))
        assert precision[b] / frauds[b] == pytest.approx(average_precision(y, p, weight=weight))
        assert caught[b] / frauds[b] == pytest.approx(
            recall_at_budget(np.repeat(y, weight.astype(int)), np.repeat(p, weight.astype(int)), budget=0.1)
        )


def test_a_resample_does_not_know_what_is_ranked_beside_it():
    y, _, codes, _, steps, counts = drawn_world(2, resamples=2 * LANES)
    together, *_ = sums_of(y, codes, steps, counts)
    alone = np.hstack([sums_of(y, codes, steps, counts[:, [b]])[0] for b in range(2 * LANES)])
    np.testing.assert_array_equal(together, alone)


def test_value_within_the_budget_is_that_of_the_frauds_flagged():
    y, _, codes, value, steps, counts = drawn_world(3, resamples=5, amount=lambda rng: rng.random(300) * 100)
    (_, _, _, found), *_ = sums_of(y, codes, steps, counts, budget=1.0)
    assert found == pytest.approx(np.bincount(codes, weights=y * value) @ counts)


def test_without_a_fraud_every_sum_is_zero():
    steps = csr_matrix(np.array([[0.0], [5.0], [0.0]]))
    assert not ranking_sums(steps, np.ones((1, 2)), rows=np.full(2, 5.0), frauds=np.zeros(2), budget=0.5).any()
