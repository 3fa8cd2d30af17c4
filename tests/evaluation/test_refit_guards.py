"""Each guard holds a refit back for its own reason, and none for another's."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from evaluation.gate import Comparison
from evaluation.refit_guards import RefitEvidence, RefitLimits, disagreements, refit_checks
from evaluation.statistics.agreement import Agreement
from evaluation.statistics.confidence_sequence import WatchedDifference
from evaluation.statistics.intervals import Interval

LIMITS = RefitLimits(margin=0.02, min_frauds=100, band=(0.85, 1.15))


def against(low, value, high):
    loss, even = Interval(value, low, high), Interval(1.0, 0.9, 1.1)
    return Comparison("the judged model", 5000, 200, 0.05, loss, loss, Interval(0.0, -0.1, 0.1), even, even)


AGREE = Agreement(5000, 0.99, 0.01, 1.05, {"alert_budget": (110, 100)})
GOOD = RefitEvidence(
    window_frauds=400,
    pooled_frauds=200,
    surrogate=against(-0.01, -0.004, 0.0005),
    newest_order=Interval(0.9, 0.85, 0.95),
    level=Interval(1.02, 0.9, 1.14),
    agreement=AGREE,
)


def refused(evidence):
    return [check.name for check in refit_checks(evidence, limits=LIMITS) if check.status == "refused"]


def test_a_good_refit_is_let_through():
    assert refused(GOOD) == []


@pytest.mark.parametrize(
    ("fault", "guard"),
    [
        ({"feed_faults": ("the newest block holds 5 rows",)}, "newest rows"),
        ({"window_frauds": 99}, "enough frauds"),
        ({"pooled_frauds": 99}, "enough frauds"),
        ({"surrogate": against(0.0001, 0.0011, 0.0021)}, "surrogate"),
        ({"surrogate": None}, "surrogate"),
        ({"newest_order": Interval(0.52, 0.51, 0.6)}, "newest labels"),
        ({"newest_order": Interval(0.7, 0.45, 0.9)}, "newest labels"),
        ({"newest_order": None}, "newest labels"),
        ({"level": Interval(1.4, 1.2, 1.6)}, "level"),
        ({"level": None}, "level"),
        ({"agreement": replace(AGREE, rank_correlation=0.9)}, "agreement"),
        ({"live": WatchedDifference(0.01, 0.001, 0.02, 20, 9000, 100)}, "refit in use"),
    ],
)
def test_each_fault_is_refused_by_its_own_guard(fault, guard):
    assert refused(replace(GOOD, **fault)) == [guard]


@pytest.mark.parametrize(
    ("difference", "status"),
    [
        ((-0.004, -0.002, -0.001), "met"),
        ((-0.0009, 0.0, 0.0009), "met"),
        ((-0.0003, 0.0006, 0.0015), "open"),
        ((0.0001, 0.0005, 0.0009), "met"),
        ((-0.002, 0.0015, 0.005), "open"),
        ((0.0005, 0.0015, 0.0025), "refused"),
    ],
)
def test_a_recipe_is_held_back_for_what_is_shown_and_matters(difference, status):
    checks = {
        check.name: check.status for check in refit_checks(replace(GOOD, surrogate=against(*difference)), limits=LIMITS)
    }
    assert checks["surrogate"] == status


def share_held_back(worse, *, nights=60, rows=8_000, seed=5):
    """On how many nights a recipe with noise of its own, whose log odds are shrunk to `worse`, is held back."""
    held = 0
    for night in range(nights):
        rng = np.random.default_rng([seed, night])
        truth = rng.normal(-5, 2.5, rows)
        labels = (rng.random(rows) < expit(truth)).astype(float)
        judged, recipe = (expit(truth + rng.normal(0, 0.4, rows)) for _ in range(2))
        recipe = expit(worse * np.log(recipe / (1 - recipe)))
        loss = [-(labels * np.log(p) + (1 - labels) * np.log1p(-p)) for p in (recipe, judged)]
        change = loss[0] - loss[1]
        half = 1.96 * change.std() / np.sqrt(rows)
        interval = Interval(change.mean(), change.mean() - half, change.mean() + half)
        other = replace(against(0, 0, 0), log_loss=interval, other_log_loss=loss[1].mean())
        held += "surrogate" in refused(replace(GOOD, surrogate=other))
    return held / nights


def test_honest_nights_ship_and_a_recipe_that_got_worse_does_not():
    assert share_held_back(1.0) <= 0.1
    assert share_held_back(0.6) >= 0.9


def test_a_refit_that_later_labels_confirm_may_differ():
    apart = replace(GOOD, agreement=replace(AGREE, promised=1.6), confirmed=against(-0.004, -0.001, 0.002))
    checks = {check.name: check.status for check in refit_checks(apart, limits=LIMITS)}
    assert checks["agreement"] == "warned"
    assert refused(replace(apart, confirmed=against(-0.001, 0.002, 0.005))) == ["agreement"]


def test_labels_of_half_a_block_need_not_prove_that_a_refit_is_right():
    apart = replace(GOOD, agreement=replace(AGREE, promised=1.6))
    assert refused(replace(apart, confirmed=against(-0.001, 0.0005, 0.002))) == []
    assert refused(replace(apart, confirmed=against(0.0001, 0.0005, 0.0009))) == ["agreement"]


def test_a_refit_may_be_as_far_from_the_last_fit_as_that_was_from_its_own_predecessor():
    far = Agreement(5000, 0.9, 0.2, 1.4, {"alert_budget": (320, 200)})
    assert refused(replace(GOOD, agreement=far)) == ["agreement"]
    assert refused(replace(GOOD, agreement=far, usual=replace(far, promised=0.7))) == []
    assert refused(replace(GOOD, agreement=replace(far, promised=2.0), usual=far)) == ["agreement"]


def test_undefined_numbers_never_pass():
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    unknown = replace(GOOD, newest_order=nothing, level=nothing, surrogate=against(*[float("nan")] * 3))
    assert refused(unknown) == ["surrogate", "newest labels", "level"]
    assert disagreements(Agreement(1, float("nan"), float("nan"), float("nan"), {})) != []


def test_alerts_that_the_other_never_gives_are_no_disagreement():
    assert disagreements(replace(AGREE, flagged={"precision_floor": (9, 0)})) == []


def test_a_few_alerts_more_or_less_are_chance():
    assert disagreements(replace(AGREE, flagged={"alert_budget": (11, 7)})) == []
    assert disagreements(replace(AGREE, flagged={"alert_budget": (220, 140)})) == [
        "1.57 times the alerts at alert_budget"
    ]


def test_without_a_fit_nothing_else_is_asked():
    found = refit_checks(RefitEvidence(problem="no block could be fitted"), limits=LIMITS)
    assert [(check.name, check.status) for check in found] == [("fit", "refused")]
