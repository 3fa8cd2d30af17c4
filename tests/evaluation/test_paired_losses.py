"""A setting is proven worse than the luckiest of its rivals as seldom as is said, and where it is, it is found."""

import numpy as np
import pytest

from evaluation.paired_losses import RowLosses

DAY, ROWS = np.repeat(np.arange(7), 40), 280


def losses(rng, *, settings=4, repeats=1, worse=0.0, seed_noise=0.0):
    """Log losses of settings that are alike but for the first, which is worse by a constant."""
    shared = rng.normal(size=ROWS)
    found = {
        place: shared
        + rng.normal(size=(repeats, ROWS))
        + rng.normal(size=(1, 7))[:, DAY]
        + seed_noise * rng.normal(size=(repeats, 1))
        + worse * (place == 0)
        for place in range(settings)
    }
    return RowLosses(found, {"day": DAY})


def luckiest(found):
    return min(found.by_setting, key=lambda each: found.by_setting[each].mean())


@pytest.mark.parametrize(
    ("settings", "repeats", "seed_noise"), [(4, 1, 0.0), (15, 1, 0.0), (4, 2, 1.0), (15, 2, 1.0), (15, 5, 1.0)]
)
def test_among_settings_that_are_alike_the_first_is_seldom_proven_worse(settings, repeats, seed_noise):
    rng = np.random.default_rng(settings + repeats)
    drawn = (losses(rng, settings=settings, repeats=repeats, seed_noise=seed_noise) for _ in range(300))
    assert np.mean([found.difference(0, luckiest(found)).proven for found in drawn]) <= 0.06


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_setting_that_is_worse_by_far_is_proven_worse(repeats):
    rng = np.random.default_rng(0)
    drawn = [losses(rng, repeats=repeats, worse=6.0) for _ in range(50)]
    assert np.mean([found.difference(0, luckiest(found)).proven for found in drawn]) >= 0.9


def test_a_repeat_that_disagrees_is_no_proof():
    ahead = np.tile(np.linspace(0.9, 1.1, ROWS), (2, 1))
    agreeing = RowLosses({"one": ahead, "other": np.zeros((2, ROWS))}, {"day": DAY}).difference("one", "other")
    assert agreeing.proven
    assert (agreeing.repeats, agreeing.agreeing) == (2, 2)
    ahead = ahead * [[3.0], [-0.01]]
    split = RowLosses({"one": ahead, "other": np.zeros((2, ROWS))}, {"day": DAY}).difference("one", "other")
    assert (split.repeats, split.agreeing, split.proven) == (2, 1, False)


def test_the_spread_over_repeats_is_part_of_the_error():
    even = np.ones((2, ROWS)) + np.linspace(0, 0.1, ROWS)
    uneven = even + np.array([[0.5], [-0.5]])
    errors = [
        RowLosses({"one": one, "other": np.zeros((2, ROWS))}, {"day": DAY}).difference("one", "other").error
        for one in (even, uneven)
    ]
    assert errors[1] == pytest.approx(np.hypot(errors[0], 0.5))


def test_the_clusters_that_say_least_count():
    rng = np.random.default_rng(3)
    merchant = rng.integers(0, 6, ROWS)
    apart = 1 + 3 * rng.normal(size=6)[merchant] + 0.1 * rng.normal(size=ROWS)
    by_day, by_both = (
        RowLosses({"one": apart[None], "other": np.zeros((1, ROWS))}, clusters).difference("one", "other")
        for clusters in ({"day": DAY}, {"day": DAY, "merchant": merchant})
    )
    assert (by_both.by, by_both.clusters) == ("merchant", 6)
    assert by_both.limit > by_day.limit
