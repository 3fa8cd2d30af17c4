import numpy as np
import pytest

from evaluation.statistics.label_delay import delayed_prevalence, fit_delay_curve, fit_label_curves
from evaluation.statistics.sample import DAY
from tests.fixtures.label_histories import late_labels


def test_the_delay_curve_recovers_the_delays_of_rows_cut_off_by_their_age():
    rng = np.random.default_rng(1)
    delay, age = rng.exponential(5.0, 40_000), rng.uniform(0, 60, 40_000)
    seen = delay <= age
    curve = fit_delay_curve(delay[seen], age[seen])
    at = np.array([1.0, 5.0, 10.0, 20.0])
    np.testing.assert_allclose(curve.at(at), 1 - np.exp(-at / 5.0), atol=0.02)
    naive = (delay[seen][:, None] <= at).mean(axis=0)
    assert (naive > curve.at(at) + 0.005).all()


def test_the_delay_curve_of_rows_old_enough_is_the_plain_distribution():
    delay = np.random.default_rng(2).integers(0, 10, 500).astype(float)
    curve = fit_delay_curve(delay, np.full(500, 99.0))
    at = np.arange(10.0)
    np.testing.assert_allclose(curve.at(at), (delay[:, None] <= at).mean(axis=0), atol=1e-12)


def test_a_delay_longer_than_its_row_is_old_is_refused():
    with pytest.raises(ValueError, match="at most the row's age, got 1 that are longer"):
        fit_delay_curve([3.0, 1.0], [2.0, 2.0])


def test_the_prevalence_of_new_rows_is_corrected_for_frauds_reported_late():
    made, truth = late_labels(np.random.default_rng(5), rows=60_000)
    found = delayed_prevalence(made.label, made.event_time, made.available_at, as_of=made.as_of, start=made.recent_from)
    actual = truth[made.event_time > made.recent_from].mean()
    assert found.as_known < 0.75 * actual
    assert found.corrected == pytest.approx(actual, rel=0.12)
    assert 0.4 < found.reported < 0.8


def test_where_every_label_is_known_nothing_is_corrected():
    made, truth = late_labels(np.random.default_rng(6))
    found = delayed_prevalence(truth, made.event_time, made.available_at, as_of=None, start=made.recent_from)
    assert found.corrected == found.as_known == truth[made.event_time > made.recent_from].mean()


def frauds_dated_alone(seed, *, delay, days=90, rows=40_000):
    """As of the last day: frauds reported after about 20 days, honest rows known once `delay` days are over."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, days * DAY, rows))
    truth = (rng.random(rows) < 0.03).astype(float)
    wait = np.where(truth == 1, rng.gamma(4.0, 5.0, rows), delay) * DAY
    available = (time + wait).astype(np.int64)
    return np.where(available <= days * DAY, truth, np.nan), time, available, truth


@pytest.mark.parametrize("delay", [7.0, 35.0])
def test_a_feed_that_dates_its_frauds_alone_has_the_right_rate(delay):
    ratios = []
    for seed in range(5):
        label, time, available, truth = frauds_dated_alone(seed, delay=delay)
        found = delayed_prevalence(label, time, available, as_of=90 * DAY, start=70 * DAY)
        ratios.append(found.corrected / truth.mean())
        assert found.low < truth.mean() < found.high
        assert 0.05 < found.reported < 0.6
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def test_dates_without_a_time_of_day_are_corrected_too():
    _, time, available, truth = frauds_dated_alone(1, delay=7.0)
    days, known = time // DAY * DAY, -(-available // DAY) * DAY
    seen = np.where(known <= 90 * DAY, truth, np.nan)
    found = delayed_prevalence(seen, days, known, as_of=90 * DAY, start=60 * DAY)
    assert found.corrected == pytest.approx(truth.mean(), rel=0.2)


def test_one_fraud_reported_within_hours_does_not_speak_for_hundreds():
    made, truth = late_labels(np.random.default_rng(5), rows=60_000)
    last = np.flatnonzero((truth == 1) & (made.event_time < made.as_of))[-1]
    label, available = made.label.copy(), made.available_at.copy()
    before = delayed_prevalence(label, made.event_time, available, as_of=made.as_of, start=made.recent_from)
    label[last], available[last] = 1.0, made.event_time[last] + 1
    after = delayed_prevalence(label, made.event_time, available, as_of=made.as_of, start=made.recent_from)
    assert after.corrected == pytest.approx(before.corrected, rel=0.02)
    assert after.judged_rows < after.rows
    assert after.effective_frauds < after.frauds


def test_the_rate_of_steady_dates_keeps_near_the_truth_and_its_interval_holds_it():
    ratios, held = [], []
    for seed in range(24):
        made, truth = late_labels(np.random.default_rng(seed), rows=60_000)
        found = delayed_prevalence(
            made.label, made.event_time, made.available_at, as_of=made.as_of, start=made.recent_from
        )
        actual = truth[made.event_time > made.recent_from].mean()
        ratios.append(found.corrected / actual)
        held.append(found.low <= actual <= found.high)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.15) >= 0.95
    assert np.mean(held) >= 0.9


def test_a_delay_that_one_row_alone_could_show_is_not_the_only_one_possible():
    delay, age = np.append(np.tile(np.arange(1.0, 6.0), 50), 99.0), np.append(np.full(250, 50.0), 100.0)
    assert fit_delay_curve(delay, age).at(5.0) == 0
    assert fit_delay_curve(delay, age, fewest_old=10).at([2.0, 5.0]).tolist() == pytest.approx([0.4, 1.0])


def test_the_curves_know_only_what_came_by_the_deadline():
    label, time, available, truth = frauds_dated_alone(2, delay=7.0)
    by_then = fit_label_curves(label, time, available, deadline=60 * DAY)
    later = np.where(available > 60 * DAY, available + 5 * DAY, available)
    np.testing.assert_array_equal(
        by_then.fraud.share, fit_label_curves(truth, time, later, deadline=60 * DAY).fraud.share
    )
    assert by_then.fraud.reaching(0.5) == pytest.approx(18.4 * DAY, rel=0.1)
    assert fit_label_curves(label[:5], time[:5], available[:5], deadline=60 * DAY).fraud is None


def test_every_label_is_known_at_once_where_there_is_no_deadline():
    label, time, available, _ = frauds_dated_alone(2, delay=7.0)
    curves = fit_label_curves(label, time, available, deadline=None)
    assert curves.known_share(fraud=True, age=[-1.0, 0.0]).tolist() == [1.0, 1.0]
    assert curves.known_share(fraud=False, age=[-1.0, 0.0]).tolist() == [1.0, 1.0]
