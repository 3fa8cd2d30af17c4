"""Serving and the table agree on logs, and every way to disagree that we could think of is noticed."""

import numpy as np
import pytest

from tests.fixtures.online_logs import batch_answers_of, random_log
from tests.fixtures.planted_skews import SKEWS, Serving


@pytest.fixture(scope="module")
def logs():
    made = [random_log(np.random.default_rng(seed), rows=70) for seed in (1, 2)]
    return [(rows, log, batch_answers_of(rows, log)) for rows, log in made]


def agrees(make, logs):
    for rows, log, expected in logs:
        found = make().answers(rows, log)
        if not ((found.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(found) & np.isnan(expected))).all():
            return False
    return True


def test_nothing_that_was_not_planted_is_found(logs):
    assert agrees(Serving, logs)


@pytest.mark.parametrize("plant", SKEWS.values(), ids=SKEWS)
def test_a_planted_skew_is_caught(plant, logs):
    assert not agrees(plant, logs), "the skew went unnoticed"


def test_at_least_twenty_skews_are_planted():
    assert len(SKEWS) >= 20
