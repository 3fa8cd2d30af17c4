import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.decomposition import corp, murphy
from evaluation.statistics.logistic_line import clipped_logit
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.scores import (
    brier,
    brier_skill,
    calibration_line,
    log_loss,
    observed_expected,
    spiegelhalter_z,
    two_sided_p,
    undefined_because,
)

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=40)
ALL = {
    "log_loss": log_loss,
    "brier": brier,
    "brier_skill": brier_skill,
    "observed_expected": observed_expected,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "spiegelhalter_z": spiegelhalter_z,
    "ece": expected_calibration_error,
    "ece_mass": lambda y, p, weight=None: expected_calibration_error(y, p, kind="mass", weight=weight),
    "ece_positives": lambda y, p, weight=None: expected_calibration_error(y, p, kind="positives", weight=weight),
    "murphy": lambda y, p, weight=None: murphy(y, p, weight=weight).reliability,
    "corp": lambda y, p, weight=None: corp(y, p, weight=weight).miscalibration,
}


def fold(seed: int, rows: int = 3000, *, shift: float = 0.0, scale: float = 1.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(-3, 1.5, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(float)
    return labels, 1 / (1 + np.exp(-(scale * z + shift)))


def test_log_loss_and_brier_equal_scikit_learn():
    y, p = fold(1)
    w = np.random.default_rng(2).random(y.size)
    assert log_loss(y, p, weight=w) == pytest.approx(sklearn_log_loss(y, p, sample_weight=w))
    assert brier(y, p, weight=w) == pytest.approx(brier_score_loss(y, p, sample_weight=w))


def test_log_loss_of_a_certain_mistake_is_finite_as_in_scikit_learn():
    y, p = np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0])
    assert log_loss(y, p) == pytest.approx(sklearn_log_loss(y, p))


def test_brier_skill_is_one_minus_the_ratio_to_the_base_rate():
    y, p = fold(3)
    base = brier_score_loss(y, np.full(y.size, y.mean()))
    assert brier_skill(y, p) == pytest.approx(1 - brier_score_loss(y, p) / base)
    assert brier_skill(y, np.full(y.size, y.mean())) == pytest.approx(0.0, abs=1e-12)


def test_observed_expected_counts_frauds_over_promised_frauds():
    y, p = fold(4)
    assert observed_expected(y, p) == pytest.approx(sum(y) / sum(p))
    assert np.isnan(observed_expected([0, 1], [0.0, 0.0]))


def test_calibration_line_equals_unpenalised_logistic_regression():
    y, p = fold(5, shift=0.7, scale=1.6)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(clipped_logit(p).reshape(-1, 1), y)
    line = calibration_line(y, p)
    assert line.slope == pytest.approx(peer.coef_[0, 0], rel=1e-4)
    assert line.intercept == pytest.approx(peer.intercept_[0], rel=1e-4)


def test_calibration_line_finds_the_planted_distortion():
    y, p = fold(6, 400_000, shift=0.7, scale=2.0)
    line = calibration_line(y, p)
    assert line.slope == pytest.approx(0.5, abs=0.02)
    assert line.intercept == pytest.approx(-0.35, abs=0.05)


@pytest.mark.parametrize(
    ("labels", "probabilities"), [([0, 0], [0.1, 0.2]), ([0, 1], [0.3, 0.3]), ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])]
)
def test_calibration_line_is_nan_where_no_line_is_best(labels, probabilities):
    line = calibration_line(labels, probabilities)
    assert np.isnan(line.slope)
    assert np.isnan(line.intercept)


def test_spiegelhalter_equals_its_sum_row_by_row():
    y, p = fold(7, 200)
    top = sum((a - b) * (1 - 2 * b) for a, b in zip(y, p, strict=True))
    bottom = sum((1 - 2 * b) ** 2 * b * (1 - b) for b in p)
    assert spiegelhalter_z(y, p) == pytest.approx(top / bottom**0.5)


def test_spiegelhalter_is_standard_normal_under_calibration():
    z = np.array([spiegelhalter_z(*fold(seed, 2000)) for seed in range(300)])
    assert abs(z.mean()) < 0.2
    assert z.std() == pytest.approx(1.0, abs=0.15)
    assert two_sided_p(1.959964) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("name", sorted(ALL))
@settings(max_examples=25)
@given(rows=ROWS)
def test_weight_means_repetition(name, rows):
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weighted = ALL[name](y, p / 20, weight=w)
    repeated = ALL[name](np.repeat(y, w.astype(int)), np.repeat(p / 20, w.astype(int)))
    assert weighted == pytest.approx(repeated, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", sorted(ALL))
@settings(max_examples=25)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_row_order_changes_nothing(name, rows, seed):
    y, p, _ = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(y.size)
    assert ALL[name](y[order], p[order] / 20) == pytest.approx(ALL[name](y, p / 20), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_rows_give_nan_and_never_a_crash(name):
    assert np.isnan(ALL[name](np.zeros(0), np.zeros(0)))


@pytest.mark.parametrize("name", ["brier_skill", "roc_auc", "corp"])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_gives_nan_where_both_are_needed(name, label):
    assert np.isnan(ALL[name]([label, label], [0.2, 0.4]))


def test_the_reason_of_nan_is_told_in_words():
    assert undefined_because([]) == "no rows"
    assert undefined_because([0, 0]) == "no frauds among 2 rows"
    assert undefined_because([1, 1]) == "no legitimate rows among 2"
    assert undefined_because([0, 1]) == ""
    assert undefined_because([0, 1], weight=[1, 0]) == "no frauds among 1 rows"


def test_all_faults_of_the_arrays_are_told_at_once():
    with pytest.raises(
        ValueError, match=r"labels must be 0 or 1, got nan in row 1 \(2 rows like it\).*got 1\.5 in row 0"
    ):
        brier([0.0, np.nan, 3.0], [1.5, 0.2, 0.3])
    with pytest.raises(ValueError, match="vectors of one length"):
        brier([0, 1], [0.5])
    with pytest.raises(ValueError, match=r"weight must be finite and ≥ 0, got -1\.0 in row 0"):
        brier([0, 1], [0.5, 0.5], weight=[-1, 1])
