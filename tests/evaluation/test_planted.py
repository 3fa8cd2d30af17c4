"""Miscalibration planted on purpose: each kind must be refused by the gate or named by a warning."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from evaluation.options import DecisionConfig, EvaluationConfig, GateConfig
from evaluation.report.evaluation_report import build_report
from evaluation.selection import Setting, SettingOutcome, rank_sweep
from evaluation.statistics.sample import DAY
from tests.oracles.evidence import START, made_evidence

EVIDENCE = made_evidence(21, rows=30_000, repeats=1)
LATER = made_evidence(22, rows=30_000, champion=True, repeats=1)
CONFIG = EvaluationConfig(resamples=100, slice_resamples=100)


def judged(evidence):
    """The report on what would ship and the baseline alone, to be quick."""
    kept = {name: evidence.candidates[name] for name in ("logistic", "hybrid")}
    evidence = replace(evidence, candidates=kept, before={}, temperature_test={}, unsmoothed_valid=None)
    return build_report(
        evidence, config=CONFIG, decision=DecisionConfig(), gate=GateConfig(), rng=np.random.default_rng(1)
    )


def with_hybrid(change):
    candidates = dict(EVIDENCE.candidates)
    candidates["hybrid"] = change(candidates["hybrid"])
    return judged(replace(EVIDENCE, candidates=candidates))


def refused(report, words):
    return not report["gate"]["passed"] and any(words in reason for reason in report["gate"]["reasons"])


def warned(report, words):
    return any(words in warning for warning in report["warnings"])


def shifted_prior():
    return refused(with_hybrid(lambda p: expit(logit(p) + 0.5)), "outside")


def scaled_logits():
    return refused(with_hybrid(lambda p: expit(1.8 * logit(p) + 1.9)), "ECE")


def swapped_folds():
    return refused(with_hybrid(lambda p: np.roll(p, p.size // 2)), "worse in log loss than the baseline")


def raw_smoothed_head():
    report = with_hybrid(lambda p: expit(logit(0.9 * p + 0.05) + np.log(54.6)))
    return refused(report, "outside") and warned(report, "worse than no model")


def line_fitted_on_test():
    def fitted(p):
        z = logit(p).reshape(-1, 1)
        return (
            LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(z, EVIDENCE.rows.labels).predict_proba(z)[:, 1]
        )

    return warned(with_hybrid(fitted), "fitted on these test rows")


def isotonic_fitted_on_test():
    return warned(
        with_hybrid(lambda p: IsotonicRegression().fit_transform(p, EVIDENCE.rows.labels)), "fitted on these test rows"
    )


def bad_segment():
    travel = EVIDENCE.rows.groups["merchant_category"] == "travel"
    report = with_hybrid(lambda p: np.where(travel, expit(logit(p) + 1.2), p))
    return warned(report, "miscalibrated in merchant category travel")


def last_week_drifted():
    late = EVIDENCE.rows.event_time >= START + 28 * DAY
    return warned(with_hybrid(lambda p: np.where(late, p / 3, p)), "miscalibrated in week 2018-08-23")


def duplicated_rows():
    rows, twice = EVIDENCE.rows, np.concatenate([np.arange(30_000), np.arange(3_000)])
    more = replace(
        EVIDENCE,
        rows=rows.where(twice),
        candidates={name: p[twice] for name, p in EVIDENCE.candidates.items()},
    )
    return warned(judged(more), "3,000 of 33,000 test rows repeat another one")


def useless_histogram():
    """The base rate has the lowest ECE of all: it is neither selected on valid nor passed on test."""
    y, z = EVIDENCE.calib.rows.labels, logit(EVIDENCE.calib.candidates["mlp"])
    flat = np.full(y.size, logit(y.mean())) + 1e-9 * z
    outcomes = [
        SettingOutcome(Setting(0.2, "none", "example"), 0, flat, expit(flat), 0.98),
        SettingOutcome(Setting(0.0, "none", "example"), 0, z + 0.4, expit(z), 0.98),
    ]
    ranking = rank_sweep(y, outcomes, event_time=EVIDENCE.calib.rows.event_time)
    fooled = ranking.lowest_ece.smoothing == 0.2 and ranking.selected.smoothing == 0.0
    base = EVIDENCE.rows.labels.mean()
    return fooled and refused(with_hybrid(lambda p: np.full(p.size, base * 1.01)), "Brier skill")


def stale_champion():
    """A champion that learned the first half of test by heart looks unbeatable there, and is not compared there."""
    evidence = LATER
    rows, until = evidence.rows, START + 16 * DAY
    seen = rows.event_time <= until
    known = np.where(seen, np.clip(rows.labels, 0.001, 0.999), evidence.champion.probabilities)
    fair = judged(replace(evidence, champion=replace(evidence.champion, probabilities=known, seen_until=until)))
    fooled = judged(replace(evidence, champion=replace(evidence.champion, probabilities=known, seen_until=0)))
    return fair["gate"]["passed"] and refused(fooled, "worse in log loss")


def stale_candidate():
    evidence = LATER
    swapped = dict(evidence.candidates, hybrid=evidence.champion.probabilities)
    better = replace(evidence.champion, probabilities=evidence.candidates["hybrid"])
    return refused(judged(replace(evidence, candidates=swapped, champion=better)), "worse in")


def timid_on_top():
    """Right below 20 %, flattened above: the error sits where the alerts are."""
    return refused(with_hybrid(lambda p: np.minimum(p, 0.1)), "ECE")


PLANTED = [
    shifted_prior,
    scaled_logits,
    swapped_folds,
    raw_smoothed_head,
    line_fitted_on_test,
    isotonic_fitted_on_test,
    bad_segment,
    last_week_drifted,
    duplicated_rows,
    useless_histogram,
    stale_champion,
    stale_candidate,
    timid_on_top,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_planted_miscalibration_is_caught(plant):
    assert plant()


@pytest.mark.parametrize("evidence", [EVIDENCE, LATER])
def test_honest_evidence_passes_without_a_warning(evidence):
    report = judged(evidence)
    assert report["gate"]["passed"], report["gate"]["reasons"]
    assert report["warnings"] == []
