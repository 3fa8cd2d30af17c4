"""Who may stop in a race, and who may not."""

import numpy as np
from scipy.special import expit

from evaluation.race import Look, race_look
from evaluation.selection import Setting, SettingOutcome

ROWS = 4000
RNG = np.random.default_rng(3)
TRUE = RNG.normal(-3, 1.8, ROWS)
LABELS = (RNG.random(ROWS) < expit(TRUE)).astype(float)
TIME = np.sort(RNG.integers(0, 20 * 86_400_000_000, ROWS))
NOISE = {seed: np.random.default_rng(seed).normal(size=ROWS) for seed in range(10)}


def outcome(smoothing, noise, *, weight="none", seed=0, selectable=True):
    margins = TRUE + noise * NOISE[seed]
    return SettingOutcome(Setting(smoothing, weight, "example"), 0, margins, expit(margins), 0.9, selectable)


def look(*outcomes, before=None):
    return race_look(LABELS, outcomes, before=before or Look(), rivals=len(outcomes) - 1, event_time=TIME)


def looks(*rounds):
    """The last of several looks."""
    found = None
    for outcomes in rounds:
        found = look(*outcomes, before=found)
    return found


def names(settings):
    return sorted((each.smoothing, each.class_weight) for each in settings)


def test_a_setting_far_behind_stops_at_the_third_look_and_not_before():
    runners = outcome(0.0, 0.3), outcome(0.1, 0.4, seed=1), outcome(0.2, 3.0, seed=2)
    assert [names(looks(*[runners] * count).out) for count in (1, 2, 3)] == [[], [], [(0.2, "none")]]


def test_a_setting_that_caught_up_between_two_looks_goes_on():
    early = outcome(0.0, 0.5), outcome(0.1, 0.3, seed=1), outcome(0.2, 3.0, seed=2)
    late = outcome(0.0, 0.5), outcome(0.1, 0.3, seed=1), outcome(0.2, 0.2, seed=2)
    assert names(looks(early, early, late).out) == []


def test_looks_before_the_last_three_are_forgotten():
    early = outcome(0.0, 0.5), outcome(0.1, 0.3, seed=1), outcome(0.2, 0.2, seed=2)
    late = outcome(0.0, 0.5), outcome(0.1, 0.3, seed=1), outcome(0.2, 3.0, seed=2)
    assert names(looks(early, late, late).out) == []
    assert names(looks(early, late, late, late).out) == [(0.2, "none")]


def test_a_setting_that_leads_the_simplest_goes_on_though_another_leads_it_by_little():
    runners = outcome(0.0, 0.6), outcome(0.1, 0.50, seed=1), outcome(0.2, 0.48, seed=2)
    assert names(looks(runners, runners, runners).out) == []


def test_the_simplest_and_the_best_smoothed_are_never_out():
    # class weights without smoothing win by far
    runners = outcome(0.0, 3.0), outcome(0.1, 3.1, seed=1), outcome(0.2, 3.4, seed=2), outcome(0.0, 0.1, weight="sqrt")
    assert names(looks(runners, runners, runners).out) == [(0.2, "none")]


def test_a_twin_goes_on_as_long_as_something_smoothed_of_its_weights_does():
    twin = outcome(0.0, 3.0, weight="balanced", seed=1)
    runners = outcome(0.0, 0.6), outcome(0.1, 0.2, weight="balanced", seed=2), twin
    assert names(looks(runners, runners, runners).out) == []
    without = outcome(0.0, 0.6), outcome(0.1, 0.5, seed=3), twin
    assert names(looks(without, without, without).out) == [(0.0, "balanced")]


def test_what_is_only_shown_is_out_at_the_first_look_however_well_it_does():
    shown = outcome(0.1, 0.0, weight="balanced", selectable=False)
    assert names(look(outcome(0.0, 0.5), outcome(0.1, 0.6, seed=1), shown).out) == [(0.1, "balanced")]
