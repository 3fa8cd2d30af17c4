"""What serves is right on the rows that its map was fitted on."""

import numpy as np
import pytest
from scipy.special import expit, logit

from evaluation.report.evidence import CalibRows
from evaluation.report.map_fit import map_fit
from evaluation.statistics.populations import JudgedRows


def calib(change=lambda p: p, *, weigh=None, seed: int = 4) -> CalibRows:
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-3, 1, 20_000))
    labels = (rng.random(20_000) < p).astype(float)
    weight = None if weigh is None else np.where(labels == 1, weigh, 1.0)
    rows = JudgedRows(labels, np.arange(20_000), np.ones(20_000), weight=weight)
    return CalibRows(rows, {}, mapped={"hybrid": change(p)})


def test_errors_are_those_of_chance():
    found = [map_fit(calib(seed=seed), "hybrid") for seed in range(40)]
    for value, error in (("level", "level_error"), ("slope", "slope_error")):
        values, errors = (np.array([getattr(each, name) for each in found]) for name in (value, error))
        assert values.std(ddof=1) == pytest.approx(errors.mean(), rel=0.3)
        assert abs(values.mean() - 1) < 4 * errors.mean() / np.sqrt(40)


def test_another_level_and_another_slope_are_told():
    right = map_fit(calib(), "hybrid")
    assert map_fit(calib(lambda p: np.minimum(1.4 * p, 1)), "hybrid").level == pytest.approx(
        right.level / 1.4, rel=0.01
    )
    assert map_fit(calib(lambda p: expit(0.7 * logit(p))), "hybrid").slope == pytest.approx(right.slope / 0.7, rel=1e-6)


def test_rows_count_as_often_as_they_stand_for_others():
    assert map_fit(calib(weigh=2.0), "hybrid").level > 1.7


def test_without_calib_or_without_the_map_nothing_is_said():
    assert map_fit(None, "hybrid") is None
    assert map_fit(calib(), "mlp") is None
