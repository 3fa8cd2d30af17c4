"""Folds of the data, as the features stage would make them."""

import pytest

from features.errors import InputError
from features.times import time_microseconds
from pipeline.inspection.opened_data import opened_data
from tests.fixtures.small_data import config_of, sample_file

SHORT = ("split.train=20d", "split.valid=7d", "split.calib=7d", "split.test=14d", "split.warmup=10d")


def test_folds_are_those_of_the_configuration(tmp_path):
    data = opened_data(config_of(sample_file(tmp_path), *SHORT), as_of=None)
    lengths = [(fold.end - fold.start) // 86_400_000_000 for fold in data.labelled.folds.folds]
    assert lengths == [20, 7, 7, 14]
    assert sum(fold.rows for fold in data.labelled.folds.folds) < data.transactions.num_rows == data.report.accepted
    assert "card_1d_count" in data.spec.names


def test_what_features_would_warn_of_is_told(tmp_path):
    data = opened_data(config_of(sample_file(tmp_path), *SHORT), as_of=None)
    assert any("usable fraud" in warning and warning.startswith("valid") for warning in data.warnings)


def test_as_of_ends_the_data(tmp_path):
    moment = time_microseconds("2024-03-20")
    data = opened_data(config_of(sample_file(tmp_path), *SHORT), as_of=moment)
    assert data.report.end <= moment


def test_folds_that_do_not_fit_are_refused_with_a_layout_that_does(tmp_path):
    with pytest.raises(InputError, match=r"must reach back over all folds(.|\n)*a layout that fits(.|\n)*\[split\]"):
        opened_data(config_of(sample_file(tmp_path)), as_of=None)
