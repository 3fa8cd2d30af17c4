"""The same features over shorter windows."""

import tomllib

import pytest

from features.times import DAY, duration_text
from features.windows.feature_options import FeaturesConfig
from features.windows.shorter_windows import LADDER, longest_asked, windows_toml, with_longest_window


@pytest.mark.parametrize("longest", LADDER)
def test_nothing_looks_back_further_than_was_said(longest):
    short = with_longest_window(FeaturesConfig(), longest)
    assert longest_asked(short) == longest
    assert short.aggregates.keys() == FeaturesConfig().aggregates.keys()


def test_windows_that_are_short_enough_stay_as_they_are():
    assert with_longest_window(FeaturesConfig(), 30 * DAY) == FeaturesConfig()


def test_an_aggregate_with_its_own_window_takes_the_longest_once():
    config = FeaturesConfig(aggregates={"card": ("30d_count", "60d_count", "amount_mean")})
    assert with_longest_window(config, 7 * DAY).aggregates["card"] == ("7d_count", "amount_mean")


def test_without_an_entity_nothing_looks_back():
    assert longest_asked(FeaturesConfig(entities=(), identities=(), aggregates={})) == 0


def test_what_is_pasted_is_the_configuration():
    short = with_longest_window(FeaturesConfig(), 3 * DAY)
    pasted = FeaturesConfig.model_validate(tomllib.loads(windows_toml(short))["features"])
    assert pasted == short
    assert [duration_text(window) for window in pasted.windows] == ["1d", "3d"]
