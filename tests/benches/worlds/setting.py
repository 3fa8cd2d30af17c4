"""A world under a configuration: its folds, its map, and the evidence that the real judgement is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from evaluation.report.evidence import CalibRows, ChampionScores, Evidence
from evaluation.selection import Setting, SettingOutcome, SweepRanking, rank_sweep, time_blocks
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, Mask
from features.split import Folds
from features.times import DAY
from models.calibration import Calibrator, cross_fitted, fit_calibrator
from pipeline.config import Config, load_config
from pipeline.stages.features.label_weights import LabelTimes, label_weights
from tests.benches.worlds.world import CANDIDATE, CHAMPION, END, World

SHIPPED, BASELINE = "xgboost", "logistic"
MODELS = (CANDIDATE, CHAMPION, "plain")


@dataclass(frozen=True)
class Calibrated:
    """A fixed model with the map that a world's calib gave it: P(fraud) on test and, cross-fitted too, on calib."""

    map: Calibrator
    test: Floats
    calib: Floats
    crossed: Floats


@dataclass(frozen=True)
class Judged:
    """What a judgement of a world begins with.

    Attributes:
        world: the rows.
        calib: places of calib's usable rows in it; `calib_weight` how many rows each stands for.
        test: places of test's rows of known label.
        calib_end: microseconds.
        models: the calibrated candidate, its equal and the plain model.
        evidence: of the candidate, without a champion.
        folds: of all rows.
        alone: whether champions are left out of what is planted.
    """

    world: World
    calib: np.ndarray
    calib_weight: Floats
    test: np.ndarray
    calib_end: int
    models: Mapping[str, Calibrated]
    evidence: Evidence
    folds: Folds
    alone: bool = False

    def champion_scores(self, probabilities: Floats | None = None, *, seen_until: int | None = None) -> ChampionScores:
        """An equal of the candidate as the model in use, or a model of these probabilities on test."""
        p = self.models[CHAMPION].test if probabilities is None else probabilities
        return ChampionScores("1", p, self.calib_end if seen_until is None else seen_until)

    def with_champion(self) -> Evidence:
        """The evidence beside a champion that is the candidate's equal, unless champions are left out."""
        return self.evidence if self.alone else replace(self.evidence, champion=self.champion_scores())

    def with_candidate(self, probabilities: Floats) -> Evidence:
        """The evidence beside the same champion, of another candidate."""
        candidates = {**self.evidence.candidates, SHIPPED: probabilities}
        return replace(self.with_champion(), candidates=candidates)

    def with_map(self, change: Callable[[Floats], Floats]) -> Evidence:
        """The evidence beside the same champion, of the candidate with a map that serves other probabilities."""
        calib, own = self.evidence.calib, self.models[CANDIDATE]
        assert calib is not None
        served = replace(
            calib,
            candidates={**calib.candidates, SHIPPED: change(own.crossed)},
            mapped={SHIPPED: change(own.calib)},
        )
        return replace(self.with_candidate(change(own.test)), calib=served)

    def without_champion(self) -> "Judged":
        """The same with champions left out."""
        return replace(self, alone=True)


def configuration(name: str) -> Config:
    """The configuration of that file."""
    return load_config(f"{name}.toml", environment={})


def as_of(name: str) -> int | None:
    """`retrain` knows what is known tonight; the other configurations see history as a whole."""
    return END if name == "retrain" else None


def judged_world(world: World, name: str) -> Judged:
    """The world under the configuration of this name."""
    config, moment = configuration(name), as_of(name)
    labels = LabelTimes(world.label.astype(np.float32), world.time, world.available)
    found = label_weights(labels, world.folds(config.split, delay=config.labels.delay, as_of=moment), as_of=moment)
    folds, weight = found.folds, found.weight.astype(np.float64)
    calib, test = (np.flatnonzero(folds.rows(fold) & folds.usable) for fold in ("calib", "test"))
    calib_end = next(fold.end for fold in folds.folds if fold.name == "calib")
    models = {each: calibrated(world, each, calib=calib, weight=weight[calib], test=test) for each in MODELS}
    candidates = {BASELINE: models["plain"].test, SHIPPED: models[CANDIDATE].test}
    crossed = {BASELINE: models["plain"].crossed, SHIPPED: models[CANDIDATE].crossed}
    mapped = {SHIPPED: models[CANDIDATE].calib}
    evidence = Evidence(
        rows=judged_rows(world, test, weight[test]),
        candidates=candidates,
        ranking=any_ranking(),
        shipped=SHIPPED,
        baseline=BASELINE,
        calib=CalibRows(judged_rows(world, calib, weight[calib]), crossed, mapped=mapped),
        configuration=config.model_dump(mode="json", exclude={"tracking", "runs"}),
    )
    return Judged(world, calib, weight[calib], test, calib_end, models, evidence, folds)


def calibrated(world: World, name: str, *, calib: np.ndarray, weight: Floats, test: np.ndarray) -> Calibrated:
    """A fixed model with the affine map that these rows of calib ask for."""
    z, y = world.margins(name), world.label.astype(np.float64)
    blocks = time_blocks(world.time[calib], folds=5)
    fitted = fit_calibrator(y[calib], z[calib], method="affine", weights=weight)
    cross = cross_fitted(y[calib], z[calib], method="affine", folds=blocks, weights=weight)
    return Calibrated(fitted, fitted.apply(z[test]), fitted.apply(z[calib]), cross)


def judged_rows(world: World, places: np.ndarray, weight: Floats) -> JudgedRows:
    """Rows of a world as evaluation wants them."""
    return JudgedRows(
        labels=world.label[places].astype(np.float64),
        event_time=world.time[places],
        amount=world.amount[places].astype(np.float64),
        card=world.card[places].astype(np.int64),
        merchant=world.merchant[places].astype(np.int64),
        weight=weight,
        groups={"merchant_category": world.category[places].astype(str)},
    )


def any_ranking() -> SweepRanking:
    """A sweep of one setting: no world asks for more."""
    y, z = np.array([0.0, 1.0, 0.0, 1.0]), np.array([-1.0, 1.0, 0.5, -0.5])
    return rank_sweep(
        y, [SettingOutcome(Setting(0.0, "none", "example"), 0, z, expit(z), 1.0)], event_time=np.arange(4), folds=2
    )


def last_week(judged: Judged) -> Mask:
    """Rows of the last week that the report makes a slice of: weeks run from the first day of test."""
    time = judged.evidence.rows.event_time
    week = (time - int(time.min()) // DAY * DAY) // (7 * DAY)
    found: Mask = week == week.max()
    return found
