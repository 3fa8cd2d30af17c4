import json
from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import DecisionConfig, EvaluationConfig, GateConfig
from evaluation.report.candidates_section import HEADLINE
from evaluation.report.evaluation_report import build_report
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.scores import brier, brier_skill, calibration_line, log_loss, observed_expected
from tests.oracles.evaluation import headline_numbers

CONFIG = EvaluationConfig(resamples=100, slice_resamples=100, reference_prevalence=0.002)


def report_of(evidence, **changes):
    config = CONFIG.model_copy(update=changes)
    return build_report(
        evidence, config=config, decision=DecisionConfig(), gate=GateConfig(), rng=np.random.default_rng(1)
    )


@pytest.fixture(scope="module")
def evidence(whole_evidence):
    return whole_evidence


@pytest.fixture(scope="module")
def report(whole_report):
    return whole_report


@pytest.fixture(scope="module")
def small(evidence):
    """Two candidates and no calibrators: quick to judge again."""
    kept = {name: evidence.candidates[name] for name in ("logistic", "hybrid")}
    return replace(evidence, candidates=kept, before={}, temperature_test={})


def test_the_contract_keys_are_there(report):
    assert {"fold", "rows", "frauds", "prevalence", "from", "to"} <= set(report["population"])
    assert list(report["candidates"]) == ["logistic", "mlp", "mlp_unsmoothed", "xgboost", "hybrid"]
    for cells in report["candidates"].values():
        assert {*HEADLINE, "ece_null_95"} <= set(cells)
        assert all({"value", "low", "high"} <= set(cells[name]) for name in HEADLINE)
        assert isinstance(cells["ece_null_95"], float)
    assert set(report["smoothing"]["selected"]) == {"smoothing", "class_weight", "weighting"}
    assert {"rule", "sweep"} <= set(report["smoothing"])
    assert {"smoothing", "calibrator"} <= set(report["temperature"]["table"][0])
    assert isinstance(report["temperature"]["additive_benefit"], bool)
    assert report["temperature"]["reason"]
    assert isinstance(report["gate"]["passed"], bool)
    assert all(isinstance(reason, str) for reason in report["gate"]["reasons"])


def test_headline_numbers_are_recomputable_from_labels_and_probabilities(evidence, report):
    y = evidence.rows.labels
    for name, p in evidence.candidates.items():
        cells = report["candidates"][name]
        peers = {
            "roc_auc": roc_auc(y, p), "average_precision": average_precision(y, p), "brier": brier(y, p),
            "brier_skill": brier_skill(y, p), "log_loss": log_loss(y, p), "ece": expected_calibration_error(y, p),
            "observed_expected": observed_expected(y, p), "calibration_slope": calibration_line(y, p).slope,
        }  # fmt: skip
        for metric, value in peers.items():
            assert cells[metric]["value"] == pytest.approx(value), (name, metric)


def test_every_cell_names_its_population_and_prevalence(report):
    for cells in report["candidates"].values():
        for metric in HEADLINE:
            assert cells[metric]["population"] == "test"
            assert cells[metric]["prevalence"] == report["population"]["prevalence"]
    for part in report["slices"]["hybrid"]:
        assert {"kind", "population", "rows", "frauds", "prevalence"} <= set(part)


def test_slices_cover_budgets_borderline_weeks_categories_and_new_cards(report):
    kinds = {part["kind"] for part in report["slices"]["logistic"]}
    assert kinds == {"alert budget", "borderline", "week", "merchant_category", "card"}
    weeks = [part for part in report["slices"]["hybrid"] if part["kind"] == "week"]
    assert sum(part["rows"] for part in weeks) == report["population"]["rows"]


def test_the_report_is_json_without_nan_and_the_same_every_time(evidence, report):
    text = json.dumps(report, allow_nan=False)
    assert text == json.dumps(report_of(evidence), allow_nan=False)


def test_row_order_changes_no_value(small):
    order = np.random.default_rng(5).permutation(small.rows.labels.size)
    rows = small.rows
    shuffled = replace(
        small,
        rows=type(rows)(
            rows.labels[order], rows.event_time[order], rows.amount[order], rows.card[order], rows.new_card[order],
            {name: values[order] for name, values in rows.groups.items()},
        ),
        candidates={name: p[order] for name, p in small.candidates.items()},
        before={name: p[order] for name, p in small.before.items()},
        temperature_test={arm: p[order] for arm, p in small.temperature_test.items()},
        champion=replace(small.champion, probabilities=small.champion.probabilities[order]),
    )  # fmt: skip
    other = headline_numbers(report_of(shuffled))
    assert other == pytest.approx(headline_numbers(report_of(small)), rel=1e-6)


def test_unknown_labels_are_left_out_and_counted(small):
    labels = small.rows.labels.copy()
    labels[:500] = np.nan
    report = report_of(replace(small, rows=replace(small.rows, labels=labels)))
    assert report["population"]["rows"] == labels.size - 500
    assert report["population"]["unknown_labels"] == 500
    assert any("500 test rows have no known label" in warning for warning in report["warnings"])


def test_data_without_cards_groups_or_calib_is_judged_row_by_row(small):
    bare = replace(
        small,
        rows=replace(small.rows, card=None, new_card=None, groups=None),
        before={},
        calib=None,
        temperature_test={},
        champion=None,
        unsmoothed_valid=None,
    )
    report = report_of(bare)
    cell = report["candidates"]["hybrid"]["card_precision_at_100"]
    assert cell["value"] is None
    assert cell["reason"] == "the data has no cards"
    assert report["population"]["resampled"]["by"] == "day and row"
    assert report["operating_points"] == {}


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_gives_nulls_with_reasons_and_a_refusal(small, label):
    rows = replace(small.rows, labels=np.full(small.rows.labels.size, label))
    report = report_of(replace(small, rows=rows))
    cell = report["candidates"]["hybrid"]["roc_auc"]
    assert cell["value"] is None
    assert cell["reason"].startswith("no ")
    assert not report["gate"]["passed"]
    json.dumps(report, allow_nan=False)


def test_operating_points_are_chosen_on_calib_alone(small, report):
    flipped = replace(small, rows=replace(small.rows, labels=small.rows.labels[::-1]))
    one, other = (r["operating_points"]["hybrid"] for r in (report, report_of(flipped)))
    assert [p["threshold"] for p in one[:-1]] == [p["threshold"] for p in other[:-1]]


def test_another_prevalence_is_shown_on_request_only(small, report):
    shown = report["calibration"]["hybrid"]["at_prevalence"]
    assert shown["prevalence"] == 0.002
    assert shown["brier"] < 0.002 < report["candidates"]["hybrid"]["brier"]["value"]
    assert "at_prevalence" not in report_of(small, reference_prevalence=None)["calibration"]["hybrid"]


def test_an_earlier_look_at_the_same_test_data_is_recorded(small):
    report = report_of(replace(small, reuse_warnings=("One other model had been judged on these rows.",)))
    assert report["looks"] == ["One other model had been judged on these rows."]
    assert "One other model had been judged on these rows" in report["warnings"]


def test_headline_metrics_are_flat_finite_and_few(report):
    flat = headline_numbers(report)
    assert flat["hybrid.roc_auc"] == report["candidates"]["hybrid"]["roc_auc"]["value"]
    assert flat["hybrid.ece.low"] == report["candidates"]["hybrid"]["ece"]["low"]
    assert all(np.isfinite(value) for value in flat.values())
    assert len(flat) < 500


def test_missing_candidates_and_no_known_label_are_refused(small):
    with pytest.raises(ValueError, match="candidates must hold ensemble, got"):
        report_of(replace(small, shipped="ensemble"))
    nothing = replace(small.rows, labels=np.full(small.rows.labels.size, np.nan))
    with pytest.raises(ValueError, match="must hold rows of known label, got none among 12000 rows"):
        report_of(replace(small, rows=nothing))
