"""The champion is judged on rows that neither model has seen, or not at all."""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from evaluation.gate import Comparison
from evaluation.options import EvaluationConfig
from evaluation.report.champion_section import ONE_CLASS, champion_comparison, champion_section
from evaluation.report.evidence import ChampionScores
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY

CONFIG = EvaluationConfig(resamples=100)


def champion_on(rows: int, seen_until: int, *, broken: int = 0) -> Comparison:
    rng = np.random.default_rng(1)
    z = rng.normal(-2, 1.5, rows)
    y = (rng.random(rows) < expit(z)).astype(float)
    theirs = expit(z + rng.normal(0, 1, rows))
    theirs[:broken] = np.nan
    return champion_comparison(
        JudgedRows(y, np.arange(rows), np.ones(rows)), expit(z), ChampionScores("7", theirs, seen_until),
        config=EvaluationConfig(resamples=100, cluster="row"), rng=np.random.default_rng(2),
    )  # fmt: skip


def test_only_rows_after_both_models_last_event_are_compared():
    assert champion_on(3000, seen_until=999).rows == 2000
    assert champion_on(3000, seen_until=-1, broken=500).rows == 2500


def test_the_better_candidate_is_told_by_an_interval():
    evidence = champion_on(6000, seen_until=-1)
    assert evidence.log_loss.high < 0
    assert evidence.average_precision.low > 0


def test_no_shared_rows_are_no_crash_and_say_why_nothing_is_known():
    evidence = champion_on(100, seen_until=100)
    assert evidence.rows == 0
    assert evidence.log_loss.reason == ONE_CLASS


def test_no_champion_and_one_that_cannot_score_are_told_apart(whole_evidence):
    rng = np.random.default_rng(1)
    assert champion_section(whole_evidence, None, config=CONFIG, rng=rng) is None
    broken = replace(whole_evidence.champion, problem="it lacks a feature", role="anchor")
    found = champion_section(whole_evidence, broken, config=CONFIG, rng=rng)
    assert (found.name, found.rows, found.problem) == (f"anchor {broken.name}", 0, "it lacks a feature")
    assert np.isnan(found.log_loss.value)


def test_a_single_shared_day_is_no_unit_though_the_fold_has_many():
    rng = np.random.default_rng(4)
    z, time = rng.normal(-2, 1.5, 4_000), np.repeat(np.arange(40), 100) * DAY
    rows = JudgedRows((rng.random(z.size) < expit(z)).astype(float), time, np.ones(z.size))
    champion = ChampionScores("7", expit(z + rng.normal(0, 0.3, z.size)), seen_until=38 * DAY)
    config = EvaluationConfig(resamples=100, cluster="day")
    found = champion_comparison(rows, expit(z), champion, config=config, rng=rng)
    assert found.rows == 100
    assert found.log_loss.low < found.log_loss.value < found.log_loss.high
