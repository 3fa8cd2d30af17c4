"""The detector of change on daily sums whose truth is known."""

import numpy as np
import pytest

from evaluation.statistics.change_detection import (
    USUAL_SCATTER,
    DailySums,
    combined_evidence,
    daily_ratio,
    daily_scatter,
    detect_change,
    ringing_evidence,
)


def daily(ratio, rng, *, expected=40.0, scatter=4.0):
    """Days whose true ratio is given [D]; negative binomial counts with the scatter asked for."""
    mean = expected * np.asarray(ratio)
    counts = rng.negative_binomial(mean / (scatter - 1.0), 1.0 / scatter).astype(float)
    return DailySums(np.arange(mean.size), counts, np.full(mean.size, expected), np.zeros(mean.size))


def rings_in_a_series(ratio, rng):
    """Whether any of 160 nights rings that looks back thirty days."""
    days, limit = daily(np.full(160, ratio), rng), ringing_evidence(nights=160, false_alarms=0.05)
    seen = (DailySums(*(each[:night] for each in vars(days).values())).last(30) for night in range(3, 161))
    return any(detect_change(each, margin=0.25).evidence >= limit for each in seen)


@pytest.mark.parametrize("ratio", [0.85, 1.2])
def test_a_steady_series_of_160_nights_seldom_rings(ratio):
    rng = np.random.default_rng(3)
    assert sum(rings_in_a_series(ratio, rng) for _ in range(6)) <= 1


@pytest.mark.parametrize(("ratio", "rose"), [(2.2, True), (0.3, False)])
def test_a_change_rings_within_ten_days_and_names_the_day(ratio, rose):
    rng = np.random.default_rng(4)
    found = [detect_change(daily(np.r_[np.ones(20), np.full(10, ratio)], rng), margin=0.25) for _ in range(20)]
    assert sum(each.evidence >= ringing_evidence(nights=160, false_alarms=0.05) for each in found) >= 18
    assert {each.rose for each in found} == {rose}
    assert abs(np.median([each.since for each in found]) - 20) <= 1


def test_the_evidence_is_the_sum_over_starts_of_products_by_hand():
    days = DailySums(np.arange(3), np.array([3.0, 5.0, 9.0]), np.full(3, 4.0), np.zeros(3))
    scatter, total = daily_scatter(days), 0.0
    for side in (1.0, -1.0):
        for factor in (1.25, 1.5, 2.0, 3.0):
            for start in range(3):
                gains = [
                    side * np.log(factor) * o / scatter - (factor**side - 1) * 4.0 * 1.25**side / scatter
                    for o in days.observed[start:]
                ]
                total += np.exp(sum(gains)) / 4 / 2
    assert detect_change(days, margin=0.25).evidence == pytest.approx(total)


def test_scatter_is_that_of_the_days_and_no_change_of_level_moves_it_much():
    rng = np.random.default_rng(5)
    quiet = daily_scatter(daily(np.ones(2000), rng, scatter=6.0))
    moved = daily_scatter(daily(np.repeat([1.0, 2.0], 1000), rng, scatter=6.0))
    assert quiet == pytest.approx(6.0, rel=0.1)
    assert moved == pytest.approx(6.0, rel=0.1)
    assert daily_scatter(daily(np.ones(1), rng)) == USUAL_SCATTER


def test_labels_still_to_come_weaken_the_evidence():
    rng = np.random.default_rng(6)
    days = daily(np.repeat([1.0, 2.5], 10), rng)
    late = DailySums(days.day, days.observed, days.expected, 5 * days.expected)
    assert detect_change(late, margin=0.25).evidence < detect_change(days, margin=0.25).evidence / 100


def test_the_interval_of_the_ratio_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(7)
    found = [daily_ratio(daily(np.full(10, 1.3), rng), scatter=4.0) for _ in range(400)]
    assert 0.92 <= np.mean([each.low <= 1.3 <= each.high for each in found]) <= 0.985
    assert np.mean([each.value for each in found]) == pytest.approx(1.3, rel=0.02)


@pytest.mark.parametrize("count", [0, 2])
def test_too_few_days_have_no_evidence_and_no_ratio(count):
    found = detect_change(daily(np.full(count, 9.0), np.random.default_rng(8)), margin=0.25)
    assert (found.evidence, found.since) == (0.0, None)
    assert np.isnan(found.ratio.value)


def test_days_without_a_promise_are_no_evidence_and_no_fault():
    days = DailySums(np.arange(5), np.zeros(5), np.zeros(5), np.zeros(5))
    assert detect_change(days, margin=0.25).evidence == pytest.approx(5.0)


def test_evidence_of_several_statistics_is_their_mean():
    rng = np.random.default_rng(9)
    changes = [detect_change(daily(np.ones(20), rng), margin=0.25) for _ in range(3)]
    assert combined_evidence(changes) == pytest.approx(np.mean([each.evidence for each in changes]))
    assert combined_evidence([]) == 0.0


def test_sums_of_different_length_are_refused_by_name():
    with pytest.raises(ValueError, match="expected must have 2 rows"):
        DailySums(np.arange(2), np.ones(2), np.ones(3), np.ones(2))
