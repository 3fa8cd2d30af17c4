"""Folds and windows for a history, with the reason of each."""

import tomllib

import numpy as np

from features.times import DAY
from features.windows.shorter_windows import longest_asked
from pipeline.config import parse_config
from pipeline.inspection.config_draft import config_sections, features_for, fold_choice, labelled_times
from pipeline.inspection.interview import Interview
from pipeline.inspection.toml_text import toml_text
from tests.fixtures.told_histories import told

BOTH = ("card_id", "merchant_id")


def written(data, *, entities=BOTH):
    sections = config_sections(data, Interview(), source=["tx.csv"], preset="tx.preset.toml", entities=entities)
    return toml_text([*sections])


def test_a_roomy_history_keeps_its_windows_and_the_largest_quantile():
    chosen = fold_choice(told(np.full(2_000, 5.5), days=183), Interview(), features_for(BOTH))
    assert chosen.delay == 6 * DAY
    assert chosen.layout.features is None


def test_a_tight_history_gives_up_the_largest_quantile_before_its_windows():
    waits = np.where(np.arange(2_000) % 50 == 0, 60.0, 5.5)  # two in a hundred are late
    chosen = fold_choice(told(waits, days=183), Interview(), features_for(BOTH))
    assert chosen.delay == 6 * DAY
    assert chosen.layout.features is None


def test_a_short_history_takes_shorter_windows():
    chosen = fold_choice(told(np.full(2_000, 5.5), days=60), Interview(), features_for(BOTH))
    assert longest_asked(chosen.layout.features) < 30 * DAY


def test_what_is_written_is_a_configuration_with_the_reasons():
    text = written(told(np.full(2_000, 5.5), days=60))
    config = parse_config(tomllib.loads(text), origin="the draft")
    assert config.labels.delay == 6 * DAY
    assert longest_asked(config.features) < 30 * DAY
    assert "# 99% of 2,000 frauds were reported within this time" in text


def test_features_are_of_the_ids_that_are_there():
    assert features_for(("card_id",)).entities == ("card",)
    assert features_for(BOTH) == parse_config({}, origin="").features
    config = parse_config(tomllib.loads(written(told(np.full(900, 2.0), days=90), entities=())), origin="the draft")
    assert config.features.entities == ()


def test_where_no_folds_fit_the_draft_says_so_and_where_nothing_was_read_it_says_nothing_of_time():
    interview = Interview()
    few = told(np.full(3, 2.0), days=3)
    text = toml_text([*config_sections(few, interview, source=["a"], preset="b", entities=BOTH)])
    assert "[split]" not in text
    assert "# check: no folds fit" in text
    assert "[labels]" not in written(None)


def test_labels_without_a_time_of_their_own_take_the_delay_that_is_tried():
    data = told(np.full(10, 5.0), days=50)
    rows = labelled_times(data, 7 * DAY)
    waits = rows.available_at - rows.event_time
    assert set(waits[rows.label == 0]) == {7 * DAY}
    assert set(waits[rows.label == 1]) == {5 * DAY}
