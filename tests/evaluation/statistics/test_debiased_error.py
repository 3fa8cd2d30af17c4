"""A calibration error that is 0 where the model is right, with an interval that holds the truth."""

import numpy as np
import pytest
from scipy.special import expit, logit

from evaluation.options import BootstrapSettings
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.debiased_error import debiased_error, stretched_noise
from evaluation.statistics.intervals import Interval, paired_bootstrap


def test_the_value_is_the_error_without_the_mean_of_its_noise():
    noise = np.random.default_rng(1).normal(0, 0.01, (3, 500))
    found = debiased_error(np.array([0.05, -0.02, 0.0]), {"card": noise}, confidence=0.95)
    centred = np.abs(noise - noise.mean(axis=1, keepdims=True)).sum(axis=0)
    assert found.value == pytest.approx(0.07 - centred.mean())
    assert found.low == pytest.approx(0.07 - np.quantile(centred, 0.95))
    assert found.low < found.value < found.high


def test_one_bin_far_from_zero_has_the_interval_of_a_mean():
    noise = np.random.default_rng(1).normal(0, 0.01, (1, 20_000))
    found = debiased_error(np.array([-0.1]), {"card": noise}, confidence=0.95)
    assert (found.low, found.high) == pytest.approx((0.1 - 0.0196, 0.1 + 0.0196), abs=5e-4)


def test_every_bin_is_stretched_to_its_own_two_way_variance():
    rng = np.random.default_rng(2)
    card, merchant, cell = (rng.normal(0, s, (2, 300)) for s in (2.0, 1.0, 0.5))
    card[1] *= 0.5
    both = stretched_noise({"card": card, "merchant": merchant, "cell": cell})
    assert both.var(axis=1) == pytest.approx(card.var(axis=1) + merchant.var(axis=1) - cell.var(axis=1))


def test_without_resamples_there_is_no_interval():
    found = debiased_error(np.array([0.1]), {"card": np.zeros((1, 0))}, confidence=0.95)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.reason == "no resamples"


def intervals(shown, *, worlds: int = 40, rows: int = 2_000) -> list[tuple[Interval, Interval]]:
    """The debiased error's interval and the plain one's in worlds where P(fraud) is p and `shown(p)` is promised."""
    result = []
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        p = expit(rng.normal(-2.5, 1.3, rows))
        y = (rng.random(rows) < p).astype(float)
        settings = BootstrapSettings(resamples=200, ranking=False)
        drawn = paired_bootstrap(y, {"a": shown(p)}, clusters=np.arange(rows), rng=rng, settings=settings)
        result.append((drawn.interval("a", "ece_debiased"), drawn.interval("a", "ece")))
    return result


def true_error(shown) -> float:
    p = expit(np.random.default_rng(9).normal(-2.5, 1.3, 200_000))
    labels = np.repeat([1.0, 0.0], p.size)
    return expected_calibration_error(labels, np.tile(shown(p), 2), weight=np.concatenate([p, 1 - p]))


def test_the_interval_of_a_right_model_holds_0_and_the_plain_one_does_not():
    found = intervals(lambda p: p)
    assert np.mean([debiased.low <= 0.0 for debiased, _ in found]) >= 0.88
    assert np.mean([plain.low <= 0.0 for _, plain in found]) < 0.5
    assert np.mean([debiased.value for debiased, _ in found]) == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize(
    "shown", [lambda p: expit(logit(p) + 0.45), lambda p: expit(0.7 * logit(p) - 0.3)], ids=["level", "slope"]
)
def test_the_interval_of_a_wrong_model_holds_its_true_error(shown):
    truth = true_error(shown)
    found = [debiased for debiased, _ in intervals(shown)]
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.88
    assert np.mean([each.low > 0.0 for each in found]) > 0.9
