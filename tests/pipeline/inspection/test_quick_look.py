"""The cheap look that a plan takes."""

import pytest

from features.times import time_microseconds
from pipeline.inspection.quick_look import look_at_columns, look_at_span
from pipeline.storage.errors import InputError
from tests.fixtures.small_data import config_of, sample_file

FITTING = ("split.train=20d", "split.valid=7d", "split.calib=7d", "split.test=14d")


def test_a_simulation_has_nothing_to_look_at():
    config = config_of("simulate")
    assert look_at_columns(config) == ()
    assert look_at_span(config, (), as_of=None) == ""


def test_files_and_columns_that_are_not_there_are_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        look_at_columns(config_of(tmp_path / "gone.csv"))
    (tmp_path / "tx.csv").write_text("event_time,label\n2024-01-01,0\n")
    with pytest.raises(InputError, match="missing: 'amount'"):
        look_at_columns(config_of(tmp_path / "tx.csv"))


def test_a_feed_without_its_reports_is_told(tmp_path):
    config = config_of(sample_file(tmp_path), "data.preset=harbor_chargebacks")
    with pytest.raises(InputError, match=r"must name a file of chargebacks that fits '\*chargebacks\*'"):
        look_at_columns(config)


def test_folds_that_cannot_lie_in_the_data_are_told_without_a_label_being_read(tmp_path):
    config = config_of(sample_file(tmp_path))
    with pytest.raises(InputError, match=r"must reach back over all folds(.|\n)*harbor check"):
        look_at_span(config, look_at_columns(config), as_of=None)


def test_a_gap_below_the_label_delay_is_told(tmp_path):
    config = config_of(sample_file(tmp_path), *FITTING, "labels.delay=9d")
    with pytest.raises(InputError, match=r"gap before valid: must be at least labels\.delay"):
        look_at_span(config, look_at_columns(config), as_of=None)


def test_the_span_is_that_of_the_rows_up_to_as_of(tmp_path):
    config = config_of(sample_file(tmp_path), *FITTING)
    sources = look_at_columns(config)
    assert look_at_span(config, sources, as_of=None).startswith("2024-01-01T00:26:02Z to 2024-0")
    told = look_at_span(config, sources, as_of=time_microseconds("2024-03-20"))
    assert told.split(" to ")[1] <= "2024-03-20"
