"""How late labels come."""

import numpy as np
import pytest

from features.errors import InputError
from features.times import DAY, HOUR
from pipeline.inspection.delay_choice import delay_choice, duration_days
from pipeline.inspection.interview import Interview
from tests.fixtures.told_histories import told


def test_the_delays_tried_are_quantiles_of_the_frauds_own_in_whole_days():
    waits = np.random.default_rng(0).gamma(2.0, 5.0, 1_000)
    interview = Interview()
    tried = delay_choice(told(waits), interview).delays
    assert [delay // DAY for delay, _ in tried] == [
        int(np.ceil(np.quantile(waits, share))) for share in (0.99, 0.97, 0.95)
    ]
    assert interview.answers == []
    assert "99% of 1,000 frauds" in tried[0][1]


def test_delays_of_hours_stay_hours():
    assert delay_choice(told(np.full(50, 0.2)), Interview()).delays[0][0] == 5 * HOUR


@pytest.mark.parametrize(("days", "guess"), [(300, 7), (60, 3), (10, 1), (2, 0)])
def test_without_report_dates_a_guess_that_the_history_can_bear_is_asked_about(days, guess):
    interview = Interview()
    tried = delay_choice(told(np.full(50, 9.0), days=days, reported=False), interview).delays
    assert [delay for delay, _ in tried] == [guess * DAY]
    assert [question.about for question in interview.open] == ["labels.delay"]


def test_few_reports_say_nothing():
    interview = Interview(lambda question: "30d")
    assert delay_choice(told(np.full(5, 9.0)), interview).delays[0][0] == 30 * DAY


def test_an_answer_that_is_no_duration_is_refused():
    with pytest.raises(InputError, match="must be a whole number and one of d, h, m, s"):
        delay_choice(told([], reported=False), Interview(lambda question: question.reading("soon")))


def test_lengths_of_time_are_said_in_days_or_hours():
    assert (duration_days(8.25 * DAY), duration_days(90 * 60 * 1_000_000)) == ("8.25 days", "1.5 hours")
