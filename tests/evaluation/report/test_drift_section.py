from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.gate import GateConfig
from evaluation.render.page import report_html
from evaluation.report.drift_section import (
    DriftConfig,
    DriftEvidence,
    LabelHistory,
    Population,
    category_stability,
    drift_metrics,
    drift_section,
    numeric_stability,
)
from evaluation.report.evaluation_report import build_report
from evaluation.report.evidence import EvaluationConfig
from evaluation.statistics.label_delay import delayed_prevalence, fit_delay_curve

DAY = 86_400_000_000


def population(name, rng, *, shift=0.0, unknown=0.02, rows=4_000):
    codes = np.where(rng.random(rows) < unknown, 0, rng.integers(1, 6, rows))
    return Population(
        name, {"amount": rng.normal(shift, 1.0, rows)}, {"merchant": codes}, rng.beta(1 + shift, 20, rows)
    )


def history(rng, *, rows=20_000, rate=0.05, recent_rate=None, as_of=60 * DAY, fraud_delay=5.0):
    """Sixty days of rows whose frauds are reported after about `fraud_delay` days and whose honest rows after one."""
    time = np.sort(rng.integers(0, 60 * DAY, rows))
    chance = np.where(time > 50 * DAY, rate if recent_rate is None else recent_rate, rate)
    truth = (rng.random(rows) < chance).astype(float)
    delay = rng.exponential(np.where(truth == 1, fraud_delay, 1.0)) * DAY
    available = (time + delay).astype(np.int64)
    label = np.where(available <= as_of, truth, np.nan)
    return LabelHistory(label, time, available, as_of, recent_from=50 * DAY, reference=rate), truth


def test_the_stability_index_equals_its_textbook_sum():
    reference, recent = np.repeat([0.0, 1.0, 2.0, 3.0], 100), np.repeat([0.0, 1.0, 2.0, 3.0], [160, 100, 100, 40])
    found = numeric_stability(reference, recent, bins=4)
    p, q = np.array([100.5] * 4) / 402, (np.array([160, 100, 100, 40]) + 0.5) / 402
    assert found.index == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=1e-12)


def test_the_stability_index_stays_below_its_null_in_95_of_100_draws_of_one_population():
    rng = np.random.default_rng(3)
    found = [numeric_stability(rng.normal(size=800), rng.normal(size=500), bins=10) for _ in range(400)]
    assert np.mean([each.index > each.null_95 for each in found]) == pytest.approx(0.05, abs=0.03)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.integers(2, 12))
@settings(max_examples=25, deadline=None)
def test_neither_row_order_nor_a_monotone_map_changes_the_index(seed, scale, bins):
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=200), rng.normal(0.3, 1, 150)
    plain = numeric_stability(one, two, bins=bins).index
    assert numeric_stability(rng.permutation(one), two[::-1], bins=bins).index == plain
    mapped = numeric_stability(np.floor(one * 8) * scale, np.floor(two * 8) * scale, bins=bins).index
    assert mapped == pytest.approx(numeric_stability(np.floor(one * 8), np.floor(two * 8), bins=bins).index)


def test_missing_values_are_a_bin_of_their_own():
    values = np.random.default_rng(0).normal(size=1_000)
    holes = np.where(np.arange(1_000) < 300, np.nan, values)
    assert numeric_stability(values, values, bins=10).index == 0.0
    assert numeric_stability(values, holes, bins=10).above(0.25)
    assert numeric_stability(np.full(50, np.nan), np.full(40, np.nan), bins=10).index == 0.0


def test_no_rows_give_no_index():
    assert np.isnan(numeric_stability([], [1.0], bins=5).index)
    assert not numeric_stability([], [1.0], bins=5).above(0.1)


def test_a_category_that_appears_out_of_nothing_is_seen():
    reference = np.repeat([1, 2, 3], 200)
    assert category_stability(reference, reference[::2], bins=10).index == pytest.approx(0.0, abs=1e-6)
    assert category_stability(reference, np.repeat([1, 2, 3, 9], 150), bins=10).above(0.25)


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
    made, truth = history(np.random.default_rng(5), rows=60_000)
    found = delayed_prevalence(made.label, made.event_time, made.available_at, as_of=made.as_of, start=made.recent_from)
    actual = truth[made.event_time > made.recent_from].mean()
    assert found.as_known < 0.75 * actual
    assert found.corrected == pytest.approx(actual, rel=0.12)
    assert 0.4 < found.reported < 0.8


def test_where_every_label_is_known_nothing_is_corrected():
    made, truth = history(np.random.default_rng(6))
    found = delayed_prevalence(truth, made.event_time, made.available_at, as_of=None, start=made.recent_from)
    assert found.corrected == found.as_known == truth[made.event_time > made.recent_from].mean()


def test_one_population_raises_no_alarm_and_says_so():
    rng = np.random.default_rng(7)
    made, _ = history(rng)
    evidence = DriftEvidence(population("train", rng), population("test", rng), made)
    section = drift_section(evidence, config=DriftConfig())
    assert section["alarms"] == []
    assert section["sentence"] == "No drift on the 4,000 rows of test against train."
    assert drift_metrics(section)["drift_alarms"] == 0


def test_planted_drift_of_a_column_a_category_the_score_and_the_fraud_rate_is_found():
    rng = np.random.default_rng(8)
    made, _ = history(rng, recent_rate=0.2)
    evidence = DriftEvidence(
        population("train", rng), population("the newest week", rng, shift=1.0, unknown=0.3, rows=3_000), made
    )
    section = drift_section(evidence, config=DriftConfig())
    said = "; ".join(section["alarms"])
    for words in ("amount (", "score itself drifted", "have a merchant", "fraud rate, late labels accounted for"):
        assert words in said
    assert section["sentence"].startswith("Drift on the 3,000 rows of the newest week: population stability says")
    assert drift_metrics(section)["drift_largest_stability"] == section["columns"][0]["index"] > 0.25


@pytest.mark.parametrize(("stop", "passed"), [(False, None), (True, False)])
def test_drift_refuses_only_where_it_is_asked_to(whole_evidence, stop, passed):
    rng = np.random.default_rng(8)
    made, _ = history(rng, recent_rate=0.2)
    found = DriftEvidence(population("train", rng), population("test", rng, shift=1.0), made)
    section = drift_section(found, config=DriftConfig(stop=stop))
    report = build_report(
        replace(whole_evidence, drift=section),
        config=EvaluationConfig(resamples=100, slice_resamples=100),
        gate=GateConfig(),
        rng=np.random.default_rng(1),
    )
    checks = {check["name"]: check["passed"] for check in report["gate"]["checks"]}
    assert checks.get("drift") is passed
    assert any("drifted from train" in reason for reason in report["gate"]["reasons"]) is stop
    page = report_html(report, {})
    assert 'id="drift"' in page
    assert "late labels accounted for" in page
