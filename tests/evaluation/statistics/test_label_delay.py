import numpy as np
import pytest

from evaluation.statistics.label_delay import delayed_prevalence, fit_delay_curve
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
