"""The map that serves keeps the level of its own rows."""

import numpy as np
import pytest
from scipy.special import expit

from evaluation.report.evidence import CalibRows
from evaluation.report.map_level import map_level
from evaluation.statistics.populations import JudgedRows


def calib(factor: float = 1.0, *, weight: np.ndarray | None = None) -> CalibRows:
    rng = np.random.default_rng(4)
    p = expit(rng.normal(-3, 1, 20_000))
    labels = (rng.random(20_000) < p).astype(float)
    rows = JudgedRows(labels, np.arange(20_000), np.ones(20_000), weight=weight)
    return CalibRows(rows, {}, mapped={"hybrid": np.minimum(factor * p, 1.0)})


def test_a_right_map_is_1_within_its_error_and_another_is_not():
    right, wrong = map_level(calib(), "hybrid"), map_level(calib(1.4), "hybrid")
    assert abs(right.ratio - 1) < 3 * right.error
    assert wrong.ratio == pytest.approx(right.ratio / 1.4, rel=0.01)


def test_rows_count_as_often_as_they_stand_for_others():
    labels = calib().rows.labels
    doubled = map_level(calib(weight=np.where(labels == 1, 2.0, 1.0)), "hybrid")
    assert doubled.ratio > 1.7


def test_without_calib_or_without_the_map_nothing_is_said():
    assert map_level(None, "hybrid") is None
    assert map_level(calib(), "mlp") is None
