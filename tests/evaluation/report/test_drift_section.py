from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import DecisionConfig, DriftConfig, EvaluationConfig, GateConfig
from evaluation.render.page import report_html
from evaluation.report.detector_section import detector_section
from evaluation.report.drift_section import ColumnPopulation, DriftEvidence, drift_metrics, drift_section
from evaluation.report.evaluation_report import build_report
from tests.fixtures.label_histories import late_labels
from tests.fixtures.watched_champions import watched


def population(name, rng, *, shift=0.0, unknown=0.02, rows=4_000):
    codes = np.where(rng.random(rows) < unknown, 0, rng.integers(1, 6, rows))
    return ColumnPopulation(
        name, {"amount": rng.normal(shift, 1.0, rows)}, {"merchant": codes}, rng.beta(1 + shift, 20, rows)
    )


def test_one_population_raises_no_alarm_and_says_so():
    rng = np.random.default_rng(7)
    made, _ = late_labels(rng)
    evidence = DriftEvidence(population("train", rng), population("test", rng), made)
    section = drift_section(evidence, config=DriftConfig())
    assert section["alarms"] == []
    assert section["sentence"] == "No drift on the 4,000 rows of test against train."
    assert drift_metrics(section)["drift_alarms"] == 0


def test_planted_drift_of_a_column_a_category_the_score_and_the_fraud_rate_is_found():
    rng = np.random.default_rng(8)
    made, _ = late_labels(rng, recent_rate=0.2)
    evidence = DriftEvidence(
        population("train", rng), population("the newest week", rng, shift=1.0, unknown=0.3, rows=3_000), made
    )
    section = drift_section(evidence, config=DriftConfig())
    said = "; ".join(section["alarms"])
    for words in ("amount (", "score itself drifted", "have a merchant", "fraud rate, late labels accounted for"):
        assert words in said
    assert section["sentence"].startswith("Drift on the 3,000 rows of the newest week: population stability says")
    assert drift_metrics(section)["drift_largest_stability"] == section["columns"][0]["index"] > 0.25


def test_the_detectors_alarm_is_one_of_drift_and_its_numbers_are_tracked(whole_report):
    rng = np.random.default_rng(7)
    made, _ = late_labels(rng)
    detector = detector_section(watched(rng, changed_on=15), config=DriftConfig())
    evidence = DriftEvidence(population("train", rng), population("test", rng), made, detector=detector)
    section = drift_section(evidence, config=DriftConfig())
    assert section["alarms"] == detector["alarms"] != []
    assert section["alarms"][0] in section["sentence"]
    assert drift_metrics(section)["detector_log_evidence"] > 8
    page = report_html({**whole_report, "drift": section}, {})
    assert "Does the champion keep its promises?" in page


@pytest.mark.parametrize(("stop", "passed"), [(False, None), (True, False)])
def test_drift_refuses_only_where_it_is_asked_to(whole_evidence, stop, passed):
    rng = np.random.default_rng(8)
    made, _ = late_labels(rng, recent_rate=0.2)
    found = DriftEvidence(population("train", rng), population("test", rng, shift=1.0), made)
    section = drift_section(found, config=DriftConfig(stop=stop))
    report = build_report(
        replace(whole_evidence, drift=section),
        config=EvaluationConfig(resamples=100, slice_resamples=100),
        decision=DecisionConfig(),
        gate=GateConfig(),
        rng=np.random.default_rng(1),
    )
    checks = {check["name"]: check["passed"] for check in report["gate"]["checks"]}
    assert checks.get("drift") is passed
    assert any("drifted from train" in reason for reason in report["gate"]["reasons"]) is stop
    page = report_html(report, {})
    assert 'id="drift"' in page
    assert "late labels accounted for" in page


@pytest.mark.parametrize(("rows", "rings"), [(20_000, True), (3_500, False)])
def test_a_fraud_rate_rings_only_where_its_whole_interval_is_beyond_the_limit(rows, rings):
    rng = np.random.default_rng(2)
    made, _ = late_labels(rng, rows=rows, recent_rate=0.12)
    section = drift_section(
        DriftEvidence(population("train", rng), population("test", rng), made), config=DriftConfig()
    )
    assert section["prevalence"]["corrected"] > 2 * made.reference
    assert section["prevalence"]["effective_frauds"] > 20
    assert any("95 % interval" in each for each in section["alarms"]) is rings
