"""What is proposed where a layout does not fit."""

import tomllib

import numpy as np
import pytest

from features.fold_layout import Asked, LabelledTimes
from features.split import time_folds
from features.times import DAY
from features.windows.feature_options import FeaturesConfig
from features.windows.shorter_windows import longest_asked
from pipeline.config import parse_config
from pipeline.stages.features.fitting_layout import layout_proposal, layouts

FEATURES = FeaturesConfig()


def history(days, rows=4_000):
    rng = np.random.default_rng(3)
    time = 19_000 * DAY + np.sort(rng.integers(0, days * DAY, rows))
    return LabelledTimes(time, (rng.random(rows) < 0.1).astype(np.float32), time)


def asked(delay):
    return Asked(delay * DAY, (30 + delay) * DAY)


def test_windows_stay_while_they_can_be_filled():
    first = next(layouts(history(183), FEATURES, asked(7)))
    assert first.features is None


def test_windows_that_cannot_be_filled_are_shortened_as_little_as_will_do():
    first = next(layouts(history(60), FEATURES, asked(10)))
    assert longest_asked(first.features) == 14 * DAY


@pytest.mark.parametrize(("days", "delay"), [(183, 7), (147, 35), (60, 10)])
def test_a_proposal_can_be_pasted_and_fits(days, delay):
    rows = history(days)
    text = layout_proposal(rows, FEATURES, asked(delay))
    config = parse_config(tomllib.loads(text.partition("\n")[2]), origin="the proposal")
    folds = time_folds(*vars(rows).values(), split=config.split, delay=delay * DAY, as_of=None)
    full_from = rows.event_time.min() + longest_asked(config.features) + delay * DAY
    assert folds.folds[0].start + 1 >= full_from


def test_where_nothing_fits_the_proposal_says_what_takes_the_days():
    text = layout_proposal(history(40), FEATURES, asked(25))
    assert "no layout fits 39.99 days" in text
    assert "labels.delay (25d)" in text
