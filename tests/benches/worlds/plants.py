"""Faults planted on purpose: each changes the evidence of an honest world, and says what must notice it.

Every plant stands beside a champion that is the candidate's honest equal, as on any night after the first. A plant is
caught where the gate refuses, or where it is of the kind that the report warns of, where the warning is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from evaluation.options import BootstrapSettings, EvaluationConfig
from evaluation.report.candidates_section import candidates_section
from evaluation.report.data_warnings import data_warnings
from evaluation.report.evaluation_report import STREAMS
from evaluation.report.evidence import Evidence, evidence_of_known_rows
from evaluation.report.gate_section import gate_section
from evaluation.report.judgement import judgement
from evaluation.report.population_section import population_section
from evaluation.report.slices import slices
from evaluation.selection import Setting, SettingOutcome, rank_sweep
from evaluation.statistics.random_streams import named_streams
from evaluation.statistics.sample import Floats
from features.times import DAY
from models.calibration import fit_calibrator
from pipeline.config import Config
from tests.benches.worlds.setting import Judged, last_week
from tests.benches.worlds.world import CANDIDATE, CHAMPION


class SumsOnly(EvaluationConfig):
    """The same judgement without statistics that need the order of rows: the gate asks for none."""

    def bootstrap(self, resamples: int | None = None) -> BootstrapSettings:
        """What a bootstrap of the headline needs."""
        return replace(super().bootstrap(resamples), ranking=False)


@dataclass(frozen=True)
class Bench:
    """How a world is judged: the configuration with fewer resamples, and the seed of the draws."""

    config: Config
    resamples: int

    def gate(self, evidence: Evidence, seed: int) -> dict[str, Any]:
        """The verdict alone."""
        known, _ = evidence_of_known_rows(evidence)
        draw = named_streams(np.random.default_rng(seed), STREAMS)
        found = judgement(known, config=self.evaluation(ranking=False), draw=draw)
        return gate_section(found.evidence, config=self.config.gate)

    def warnings(self, evidence: Evidence, seed: int) -> list[str]:
        """The warnings of the report."""
        known, unknown = evidence_of_known_rows(evidence)
        draw, config = named_streams(np.random.default_rng(seed), STREAMS), self.evaluation(ranking=False)
        drawn = judgement(known, config=config, draw=draw).drawn
        population = population_section(known.rows, unknown=unknown, config=config, drawn=drawn)
        chance = dict.fromkeys(known.candidates, float("nan"))
        candidates = candidates_section(drawn, known.rows.labels, population, chance)
        shown = {known.shipped: known.candidates[known.shipped]}
        ranked = self.evaluation(ranking=True)
        parts = slices(known.rows, shown, config=ranked, shipped=known.shipped, rng=draw["slices"])
        return data_warnings(known, population, candidates, parts[known.shipped], band=self.config.gate.band)

    def refuses(self, evidence: Evidence, seed: int) -> bool:
        """Whether the gate refuses."""
        return not self.gate(evidence, seed)["passed"]

    def warns(self, evidence: Evidence, seed: int, words: str) -> bool:
        """Whether a warning of the report holds these words."""
        return any(words in warning for warning in self.warnings(evidence, seed))

    def evaluation(self, *, ranking: bool) -> EvaluationConfig:
        """The [evaluation] section with fewer resamples, and where no rank is asked for without what costs most."""
        kind = EvaluationConfig if ranking else SumsOnly
        return kind(**{**self.config.evaluation.model_dump(), "resamples": self.resamples, "slice_resamples": 100})


Plant = Callable[[Judged, Bench], bool]


def refused(change: Callable[[Judged], Floats]) -> Plant:
    """A plant that changes the candidate's P(fraud) and must be refused."""

    def plant(judged: Judged, bench: Bench) -> bool:
        return bench.refuses(judged.with_candidate(change(judged)), judged.world.seed)

    return plant


def warned(change: Callable[[Judged], Floats], words: str) -> Plant:
    """A plant that changes the candidate's P(fraud) and must be named by a warning."""

    def plant(judged: Judged, bench: Bench) -> bool:
        return bench.warns(judged.with_candidate(change(judged)), judged.world.seed, words)

    return plant


def own(judged: Judged) -> Floats:
    """The honest candidate's P(fraud) on test."""
    return judged.models[CANDIDATE].test


def prior_times(factor: float, *, served: bool = True) -> Plant:
    """A map that serves for another prior: odds multiplied, wherever it is asked; or, not `served`, on test alone.

    On test alone it is no fault of the map: the world's own fraud rate has moved by as much since calib.
    """

    def plant(judged: Judged, bench: Bench) -> bool:
        def change(p: Floats) -> Floats:
            return np.asarray(expit(logit(p) + np.log(factor)))

        evidence = judged.with_map(change) if served else judged.with_candidate(change(own(judged)))
        return bench.refuses(evidence, judged.world.seed)

    return plant


def sloped(slope: float) -> Plant:
    """A map that serves log odds times a slope, at the level that calib asks for."""

    def plant(judged: Judged, bench: Bench) -> bool:
        calib, weight = logit(judged.models[CANDIDATE].calib), judged.calib_weight
        observed = weight @ judged.world.label[judged.calib]
        shift = brentq(lambda b: weight @ expit(slope * calib + b) - observed, -20, 20)
        return bench.refuses(judged.with_map(lambda p: expit(slope * logit(p) + shift)), judged.world.seed)

    return plant


def label_delay_misread(judged: Judged) -> Floats:
    """Calib read as if every label had come after two days: what had not been reported by then counts as legitimate."""
    world, places = judged.world, judged.calib
    early = world.available[places] - world.time[places] <= 2 * DAY
    labels = world.label[places].astype(np.float64) * early
    z = world.margins(CANDIDATE)
    return fit_calibrator(labels, z[places], method="affine").apply(z[judged.test])


def worse_by(share: float) -> Callable[[Judged], Floats]:
    """Noise on the log odds, refitted on calib, as much as costs this share of the log loss on test.

    The noise is set by the truth of the world, which no judgement sees.
    """

    def change(judged: Judged) -> Floats:
        world, noise = judged.world, np.random.default_rng(judged.world.seed).normal(size=judged.world.time.size)
        z, y = world.margins(CANDIDATE), world.label.astype(np.float64)

        def noisy(size: float) -> Floats:
            mixed = z + size * noise
            fitted = fit_calibrator(y[judged.calib], mixed[judged.calib], method="affine")
            return fitted.apply(mixed[judged.test])

        truth = world.truth[judged.test].astype(np.float64)
        wanted = (1 + share) * _expected_loss(truth, own(judged))
        return noisy(brentq(lambda size: _expected_loss(truth, noisy(size)) - wanted, 0.0, 3.0, xtol=0.01))

    return change


def stale_candidate(judged: Judged, bench: Bench) -> bool:
    """A candidate from another time, timid and at another level, beside an honest champion."""
    return bench.refuses(judged.with_map(lambda p: expit(0.8 * logit(p) - 0.4)), judged.world.seed)


def stale_champion(judged: Judged, bench: Bench) -> bool:
    """A champion that knows the first half of test by heart looks unbeatable there, and is not compared there."""
    rows = judged.evidence.rows
    until = int(rows.event_time.min() + (rows.event_time.max() - rows.event_time.min()) // 2)
    honest = judged.models[CHAMPION].test
    known = np.where(rows.event_time <= until, np.clip(rows.labels, 0.001, 0.999), honest)
    fair = replace(judged.evidence, champion=judged.champion_scores(known, seen_until=until))
    fooled = replace(judged.evidence, champion=judged.champion_scores(known, seen_until=0))
    return not bench.refuses(fair, judged.world.seed) and bench.refuses(fooled, judged.world.seed)


def useless_histogram(judged: Judged, bench: Bench) -> bool:
    """The base rate has the lowest ECE of all: it is neither selected on valid nor passed on test."""
    y = judged.world.label[judged.calib].astype(np.float64)
    z = logit(judged.models[CANDIDATE].crossed)
    flat = np.full(y.size, logit(y.mean())) + 1e-9 * z
    outcomes = [
        SettingOutcome(Setting(0.2, "none", "example"), 0, flat, expit(flat), 0.98),
        SettingOutcome(Setting(0.0, "none", "example"), 0, z + 0.4, expit(z), 0.98),
    ]
    ranking = rank_sweep(y, outcomes, event_time=judged.world.time[judged.calib])
    base = np.full(own(judged).size, 1.01 * y.mean())
    return ranking.selected.smoothing == 0.0 and bench.refuses(judged.with_candidate(base), judged.world.seed)


def bad_segment(judged: Judged, bench: Bench) -> bool:
    """One merchant category whose odds are tripled, the one with the most frauds."""
    groups, labels = judged.evidence.rows.groups, judged.evidence.rows.labels
    assert groups is not None
    names = groups["merchant_category"]
    worst = max(np.unique(names), key=lambda name: labels[names == name].sum())
    p = np.where(names == worst, expit(logit(own(judged)) + 1.2), own(judged))
    return bench.warns(
        judged.with_candidate(p), judged.world.seed, f"miscalibrated in merchant category {worst}"
    ) or bench.refuses(judged.with_candidate(p), judged.world.seed)


def last_week_drifted(judged: Judged, bench: Bench) -> bool:
    """Promises of the last week divided by three."""
    p = np.where(last_week(judged), own(judged) / 3, own(judged))
    evidence = judged.with_candidate(p)
    return bench.warns(evidence, judged.world.seed, "miscalibrated in week") or bench.refuses(
        evidence, judged.world.seed
    )


def duplicated_rows(judged: Judged, bench: Bench) -> bool:
    """A tenth of the rows twice."""
    rows = judged.evidence.rows
    twice = np.concatenate([np.arange(rows.labels.size), np.arange(rows.labels.size // 10)])
    champion = judged.champion_scores(judged.models[CHAMPION].test[twice])
    candidates = {name: p[twice] for name, p in judged.evidence.candidates.items()}
    evidence = replace(judged.evidence, rows=rows.where(twice), candidates=candidates, champion=champion)
    return bench.warns(evidence, judged.world.seed, "test rows repeat another one")


def raw_smoothed_head(judged: Judged, bench: Bench) -> bool:
    """Smoothed and weighted probabilities that nobody inverted: refused, and said to be worse than no model."""
    evidence = judged.with_candidate(expit(logit(0.9 * own(judged) + 0.05) + np.log(54.6)))
    seed = judged.world.seed
    return bench.refuses(evidence, seed) and bench.warns(evidence, seed, "worse than no model")


def _line_on_test(judged: Judged) -> Floats:
    rows = judged.evidence.rows
    z = logit(own(judged))
    return fit_calibrator(rows.labels, z, method="affine", weights=rows.weight).apply(z)


def _isotonic_on_test(judged: Judged) -> Floats:
    rows = judged.evidence.rows
    return np.asarray(IsotonicRegression().fit_transform(own(judged), rows.labels, sample_weight=rows.weight))


def _expected_loss(truth: Floats, p: Floats) -> float:
    return float(-(truth * np.log(p) + (1 - truth) * np.log1p(-p)).mean())


FITTED_HERE = "fitted on these test rows"
PLANTS: dict[str, Plant] = {
    "prior × 1.4": prior_times(1.4),
    "prior × 0.65": prior_times(0.65),
    "slope 0.7": sloped(0.7),
    "label delay misread": refused(label_delay_misread),
    "stale champion": stale_champion,
    "swapped folds": refused(lambda judged: np.roll(own(judged), own(judged).size // 2)),
    "shifted prior": prior_times(float(np.exp(0.5))),
    "scaled logits": refused(lambda judged: expit(1.8 * logit(own(judged)) + 1.9)),
    "raw smoothed head": raw_smoothed_head,
    "line fitted on test": warned(_line_on_test, FITTED_HERE),
    "isotonic fitted on test": warned(_isotonic_on_test, FITTED_HERE),
    "bad segment": bad_segment,
    "last week drifted": last_week_drifted,
    "duplicated rows": duplicated_rows,
    "useless histogram": useless_histogram,
    "stale candidate": stale_candidate,
    "timid on top": refused(lambda judged: np.minimum(own(judged), 0.1)),
}
"""Each must be caught in four worlds of five."""
POWER: dict[str, Plant] = {
    "prior × 1.15": prior_times(1.15),
    "prior × 0.87": prior_times(0.87),
    "prior × 1.4, test alone": prior_times(1.4, served=False),
    "prior × 0.65, test alone": prior_times(0.65, served=False),
    "log loss 2 % worse": refused(worse_by(0.02)),
    "log loss 5 % worse": refused(worse_by(0.05)),
}
"""Shown without a bar: how small a fault is seen how often."""
LEVELS = (*(name for name in (*PLANTS, *POWER) if name.startswith("prior")), "slope 0.7", "label delay misread")
"""Plants that are also shown without a champion, where only the absolute rules are left."""
