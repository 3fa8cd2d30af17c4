"""A race leaves what the whole grid would have selected, or what noise cannot tell from it."""

import numpy as np
import pytest

from evaluation.race import Look
from models.options import SweepConfig
from models.sweep_settings import sweep_settings
from models.training.loop import EpochReport
from pipeline.stages.train import sweep_race as racing
from pipeline.stages.train.sweep_race import FIRST_LOOK, Race
from tests.fixtures.raced_worlds import raced_world, world_task

GRID = SweepConfig(smoothing=(0.0, 0.1, 0.2), class_weight=("none", "balanced"))


@pytest.mark.parametrize(("kind", "seed"), [("few rows", 1), ("noisy labels", 1)])
def test_the_winner_of_a_race_is_not_proven_worse_than_that_of_the_whole_grid(kind, seed):
    world = raced_world(kind, seed, sweep=GRID, epochs=8)
    assert not world.behind.proven
    assert world.epochs[1] < world.epochs[0]
    winner = next(row for row in world.raced.rows if row.setting == world.raced.selected)
    assert winner.finished


def report(epoch, fits, margins, *, going_on=None):
    going_on = np.ones(len(fits), dtype=bool) if going_on is None else going_on
    return EpochReport(epoch, (), (), len(fits), going_on, margins)


@pytest.fixture
def begun():
    """A race, its fits, and margins of which those of (0.2, balanced) know nothing."""
    task = world_task("few rows", 1)
    settings = sweep_settings(GRID, prevalence=task.prevalence)
    fits = list(dict.fromkeys(setting.fitted_as for setting in settings))
    rng = np.random.default_rng(0)
    margins = np.tile(3 * task.valid.label - 3, (len(fits), 1)) + rng.normal(size=(len(fits), len(task.valid.label)))
    useless = next(
        place for place, (loss, _) in enumerate(fits) if loss.smoothing == 0.2 and loss.ratio > 1 and not _column(loss)
    )
    margins[useless] = rng.normal(size=len(task.valid.label))
    race = Race(task, settings, merchant=None, folds=5, posterior_floor=1e-4, fitted=None)
    return race, fits, margins, useless


def _column(loss):
    return loss.weighting == "column"


def test_nothing_stops_before_the_first_look_and_what_is_only_shown_stops_at_it(begun):
    race, fits, margins, _ = begun
    assert race(fits, report(FIRST_LOOK - 1, fits, margins)) is None
    out = race(fits, report(FIRST_LOOK, fits, margins))
    assert [fits[place][0].weighting for place in np.flatnonzero(out)] == ["column", "column"]


def test_a_useless_fit_stops_at_the_third_look_and_is_not_asked_of_again(begun):
    race, fits, margins, useless = begun
    going_on, stopped = np.ones(len(fits), dtype=bool), []
    for epoch in range(FIRST_LOOK, FIRST_LOOK + 3):
        out = race(fits, report(epoch, fits, margins, going_on=going_on))
        stopped.append(bool(out[useless]))
        assert not (out & ~going_on).any()
        going_on &= ~out
    assert stopped == [False, False, True]
    margins[useless] = np.nan
    race(fits, report(FIRST_LOOK + 3, fits, margins, going_on=going_on))


def test_a_fit_that_several_settings_share_stops_when_all_of_them_are_out(begun, monkeypatch):
    race, fits, margins, _ = begun
    shared = next(place for place, (loss, _) in enumerate(fits) if loss.smoothing == 0 and loss.ratio > 1)
    names = [racing.ranked_setting(each) for each in race._settings if each.fitted_as == fits[shared]]
    assert len(names) == 2
    stopped = []
    for out in (names[:1], names):
        monkeypatch.setattr(racing, "race_look", lambda *_, out=out, **__: Look(out=frozenset(out)))
        stopped.append(bool(race(fits, report(FIRST_LOOK, fits, margins))[shared]))
    assert stopped == [False, True]
