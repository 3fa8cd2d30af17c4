"""A verdict on outcomes: worlds with a known fault raise their own alarm, an honest week raises none."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig, MonitoringConfig
from evaluation.report.expectation import SCORE, expectation
from evaluation.report.monitoring_section import Monitored, monitoring_section, span_days
from evaluation.report.outcomes_section import outcomes_report
from evaluation.statistics.percentiles import Interval
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.sample import DAY

EVALUATION = EvaluationConfig(resamples=100, slice_resamples=100, cluster="row")


def world(seed, days=7, rows=400):
    """Times, columns and probabilities of rows whose outcomes are what the probabilities say."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, days * DAY, days * rows))
    amount = rng.normal(size=times.size)
    p = 1 / (1 + np.exp(4.2 - 1.8 * amount))
    return times, {"amount": amount, "other": rng.normal(size=times.size)}, p, (rng.random(p.size) < p).astype(float)


@pytest.fixture(scope="module")
def expected():
    times, columns, p, labels = world(1, days=21)
    rows = JudgedRows(labels, times, np.ones(p.size))
    return expectation(rows, p, columns, average_precision=average_precision(labels, p), event_time=times, scores=p)


def verdict(expected, times, columns, p, labels, **limits):
    rows = JudgedRows(labels, times, np.ones(p.size))
    metrics = outcomes_report(rows, p, config=EVALUATION, rng=np.random.default_rng(0))["metrics"]
    known = np.isfinite(labels)
    intervals = [Interval(*(metrics[name][key] for key in ("value", "low", "high"))) for name in NAMES]
    found = Monitored(rows.where(known), p[known], *intervals, p.size, {**columns, SCORE: p}, span_days(times))
    config = MonitoringConfig(**limits)
    return monitoring_section(found, expected, config=config, evaluation=EVALUATION, rng=np.random.default_rng(3))


NAMES = ("observed_expected", "log_loss")


def alarms(section):
    return {check["name"] for check in section["checks"] if check["status"] == "refused"}


@pytest.mark.parametrize("seed", range(10, 16))
def test_an_honest_week_raises_no_alarm(expected, seed):
    section = verdict(expected, *world(seed))
    assert section["reasons"] == []
    assert section["passed"] is True


def test_an_honest_day_raises_no_alarm(expected):
    assert verdict(expected, *world(17, days=1))["passed"]


def test_the_weekday_of_an_honest_day_is_no_drift_however_large_its_index():
    times, columns, p, labels = world(1, days=21)
    weekday = np.array([f"{day % 7}" for day in times // DAY], dtype=object)
    rows = JudgedRows(labels, times, np.ones(p.size))
    seen = {**columns, "weekday": weekday}
    expected = expectation(rows, p, seen, average_precision=0.2, event_time=times, scores=p)
    times, columns, p, labels = world(18, days=1)
    section = verdict(expected, times, {**columns, "weekday": np.full(p.size, "0", dtype=object)}, p, labels)
    (row,) = [row for row in section["columns"] if row["column"] == "weekday"]
    assert row["index"] > 10 * section["limits"]["stability_limit"]
    assert section["reasons"] == []


def test_shuffled_labels_are_an_alarm_of_log_loss_and_ranking_alone(expected):
    times, columns, p, labels = world(20)
    section = verdict(expected, times, columns, p, np.random.default_rng(4).permutation(labels))
    assert alarms(section) == {"log loss", "average precision"}
    assert all(check["remedy"] for check in section["checks"] if check["status"] == "refused")


def test_a_shifted_prior_is_an_alarm_of_the_level(expected):
    times, columns, p, labels = world(21)
    doubled = np.repeat(np.arange(p.size), 1 + labels.astype(int))
    picked = {name: values[doubled] for name, values in columns.items()}
    section = verdict(expected, times[doubled], picked, p[doubled], labels[doubled])
    assert "level" in alarms(section)
    assert "average precision" not in alarms(section)
    assert "promises too little" in next(c["remedy"] for c in section["checks"] if c["name"] == "level")


def test_fewer_frauds_than_promised_are_an_alarm_too_even_where_none_came(expected):
    times, columns, p, labels = world(22)
    assert alarms(verdict(expected, times, columns, p, np.zeros_like(labels))) == {"level"}


def test_a_dead_column_is_an_alarm_that_names_it(expected):
    times, columns, p, labels = world(23)
    section = verdict(expected, times, {**columns, "other": np.full(p.size, np.nan)}, p, labels)
    assert alarms(section) == {"inputs"}
    (reason,) = section["reasons"]
    assert "population stability): other (" in reason
    assert section["columns"][0]["column"] == "other"


def test_half_of_the_labels_missing_is_an_alarm_of_their_coverage(expected):
    times, columns, p, labels = world(24)
    half = np.where(np.arange(p.size) % 2 == 0, labels, np.nan)
    section = verdict(expected, times, columns, p, half)
    assert alarms(section) == {"labels"}
    assert section["numbers"]["known_share"] == pytest.approx(0.5)
    assert verdict(expected, times, columns, p, half, known_share=0.4)["passed"]


def test_too_few_frauds_show_numbers_and_judge_nothing(expected):
    times, columns, p, labels = world(25)
    section = verdict(expected, times, columns, p, np.random.default_rng(4).permutation(labels), min_frauds=10_000)
    assert section["passed"]
    assert {check["status"] for check in section["checks"][1:4]} == {"open"}


def test_a_bundle_without_expectation_is_judged_by_its_own_promises(expected):
    times, columns, p, labels = world(26)
    section = verdict(None, times, columns, p, np.random.default_rng(4).permutation(labels))
    assert alarms(section) == {"log loss"}
    assert [check["name"] for check in section["checks"] if check["status"] == "absent"] == [
        "average precision",
        "inputs",
    ]


def test_a_model_that_kept_its_promise_badly_on_test_is_held_to_that(expected):
    times, columns, p, labels = world(27)
    worse = replace(expected, log_loss=2 * expected.promised_log_loss)
    ratio = [verdict(each, times, columns, p, labels)["numbers"]["log_loss"]["expected"] for each in (worse, expected)]
    assert ratio[0] / ratio[1] == pytest.approx(2 / expected.kept)
