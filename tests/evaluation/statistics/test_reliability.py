import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from evaluation.statistics.reliability import clopper_pearson, reliability_table, score_histogram


def test_bars_equal_scipy_exact_intervals():
    frauds, rows = np.array([0, 1, 7, 30, 30]), np.array([10, 400, 50, 31, 30])
    low, high = clopper_pearson(frauds, rows)
    for i, (k, n) in enumerate(zip(frauds, rows, strict=True)):
        peer = binomtest(int(k), int(n)).proportion_ci(method="exact")
        assert (low[i], high[i]) == pytest.approx((peer.low, peer.high))


@pytest.mark.parametrize(("kind", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_tables_agree_with_scikit_learn_curves(kind, strategy):
    rng = np.random.default_rng(1)
    p = rng.random(4000) ** 3
    y = (rng.random(4000) < p).astype(float)
    observed, expected = calibration_curve(y, p, n_bins=8, strategy=strategy)
    table = reliability_table(y, p, bins=8, kind=kind)
    assert table.expected == pytest.approx(expected, abs=2e-3)
    assert table.observed == pytest.approx(observed, abs=1e-2)


@pytest.mark.parametrize("kind", ["width", "mass", "positives"])
def test_every_row_and_every_fraud_is_in_exactly_one_bin(kind):
    rng = np.random.default_rng(2)
    p = np.round(rng.random(500) ** 3, 2)
    y = (rng.random(500) < p).astype(float)
    table = reliability_table(y, p, kind=kind)
    assert table.rows.sum() == 500
    assert table.frauds.sum() == y.sum()
    assert (table.lowest <= table.expected + 1e-12).all()
    assert (table.highest[:-1] < table.lowest[1:]).all()


def test_no_rows_give_no_bins_and_records_are_plain_numbers():
    assert reliability_table([], []).records() == []
    (only,) = reliability_table([1], [0.25], bins=4).records()
    assert only == {"lowest": 0.25, "highest": 0.25, "expected": 0.25, "observed": 1.0, "low": pytest.approx(0.025),
                    "high": 1.0, "rows": 1, "frauds": 1}  # fmt: skip


def test_histogram_counts_what_lies_outside_in_the_end_bins():
    frauds, legitimate = score_histogram([1, 0, 0, 1], [0.0, 0.15, 0.2, 1.0], edges=[0.1, 0.2, 0.5])
    assert frauds.tolist() == [1, 1]
    assert legitimate.tolist() == [1, 1]


def test_weights_move_rates_and_bars_but_not_the_counts():
    rng = np.random.default_rng(8)
    p = rng.random(400)
    y, weight = (rng.random(400) < p).astype(float), rng.choice([1.0, 3.0], 400)
    plain, found = (reliability_table(y, p, bins=1, kind="width", weight=w) for w in (None, weight))
    assert found.rows.tolist() == plain.rows.tolist() == [400]
    assert found.frauds.tolist() == plain.frauds.tolist()
    assert found.observed == pytest.approx(weight @ y / weight.sum())
    assert found.expected == pytest.approx(weight @ p / weight.sum())
    assert found.high - found.low > plain.high - plain.low
