"""What other tools rely on: files, columns and numbers of a finished run."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from pipeline.stages import STAGES
from pipeline.stages.stage import StageContext
from pipeline.storage.done import changed_files, read_done
from tests.oracles.desk_naive import accounts, costs_of, money, rows_from

CANDIDATES = ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed")
FILES = {
    "ingest": ("transactions.parquet", "quarantine.parquet", "report.json"),
    "features": ("features.parquet", "spec.json", "report.json"),
    "train": ("network.safetensors", "network.json", "booster.ubj", "sweep.parquet", "report.json"),
    "calibrate": ("calibrators.json", "comparison.parquet", "report.json"),
    "evaluate": ("report.json", "report.html", "model_card.md", "scores.parquet", "shadow.parquet"),
    "export": ("bundle/manifest.json", "bundle/model.onnx", "report.json"),
}
HEADLINE = (
    *("roc_auc", "average_precision", "brier", "brier_skill", "log_loss", "ece", "calibration_slope"),
    *("observed_expected", "precision_at_half", "share_negatives_above_095", "recall_at_budget"),
    "card_precision_at_100",
)


def loaded(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("stage", FILES)
def test_a_stage_leaves_its_files_and_a_done_that_matches_them(small_run, stage):
    for name in FILES[stage]:
        assert (small_run / stage / name).is_file(), name
    done = read_done(small_run / stage)
    assert done is not None
    assert changed_files(small_run / stage, done) == []


def test_the_report_has_every_candidate_with_every_headline_number(small_run):
    report = loaded(small_run / "evaluate" / "report.json")
    assert report["population"]["fold"] == "test"
    assert set(report["candidates"]) == set(CANDIDATES)
    for cells in report["candidates"].values():
        assert all({"value", "low", "high"} <= cells[name].keys() for name in HEADLINE)
        assert 0 < cells["ece_null_95"] < 1
    assert {"selected", "rule", "sweep"} <= report["smoothing"].keys()
    assert {"table", "additive_benefit", "reason"} <= report["temperature"].keys()
    assert {"passed", "reasons"} <= report["gate"].keys()


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_headline_numbers_can_be_made_again_from_scores(small_run, candidate):
    scores = pq.read_table(small_run / "evaluate" / "scores.parquet").to_pandas().dropna(subset=["label"])
    cells = loaded(small_run / "evaluate" / "report.json")["candidates"][candidate]
    y, p = scores["label"].to_numpy(np.float64), scores[candidate].to_numpy()
    assert cells["roc_auc"]["value"] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert cells["average_precision"]["value"] == pytest.approx(average_precision_score(y, p), abs=1e-12)
    assert cells["brier"]["value"] == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert cells["log_loss"]["value"] == pytest.approx(log_loss(y, p), abs=1e-12)
    assert cells["observed_expected"]["value"] == pytest.approx(y.sum() / p.sum(), abs=1e-12)


def test_scores_have_the_contracts_columns(small_run):
    names = pq.read_schema(small_run / "evaluate" / "scores.parquet").names
    assert names == ["transaction_id", "event_time", "card_id", "amount", "label", "weight", *(
        "logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed"
    )]  # fmt: skip


def test_every_row_read_is_accepted_or_quarantined(small_run):
    report = loaded(small_run / "ingest" / "report.json")
    accepted = pq.read_metadata(small_run / "ingest" / "transactions.parquet").num_rows
    quarantined = pq.read_metadata(small_run / "ingest" / "quarantine.parquet").num_rows
    assert report["rows_in"] == accepted + quarantined == 24_000


def test_history_and_gap_rows_stay_with_a_null_fold(small_run):
    folds = pq.read_table(small_run / "features" / "features.parquet", columns=["fold"])["fold"]
    assert len(folds) == 24_000
    assert set(folds.unique().to_pylist()) == {"train", "valid", "calib", "test", None}


def test_no_card_id_is_a_feature_and_none_reaches_what_is_exported_or_logged(small_run):
    transactions = pq.read_table(small_run / "ingest" / "transactions.parquet", columns=["card_id"])
    cards = {card.encode() for card in transactions["card_id"].unique().to_pylist()[:300]}
    assert "card_id" not in pq.read_schema(small_run / "features" / "features.parquet").names
    for path in [*(small_run / "export").rglob("*"), small_run / "journal.jsonl"]:
        if path.is_file():
            content = path.read_bytes()
            assert not [card for card in cards if card in content], path.name


def test_nothing_a_run_leaves_holds_a_path_of_its_machine(small_run):
    for path in small_run.rglob("*"):
        if (
            path.is_file() and path.suffix in (".json", ".md", ".html", ".jsonl", ".toml", ".yaml")
        ) or path.name == "MLmodel":
            assert str(small_run.parent) not in path.read_text(encoding="utf-8"), path.name


def test_the_sweep_carries_the_guides_own_setting_at_each_smoothing(small_run):
    sweep = pq.read_table(small_run / "train" / "sweep.parquet").to_pandas()
    guide = sweep[(sweep["weighting"] == "column") & (sweep["class_weight"] == "balanced")]
    assert sorted(guide["smoothing"]) == [0.0, 0.1]
    assert not guide["selected"].any()
    assert sweep["selected"].sum() == 1


def test_every_row_of_the_guides_smoothed_setting_lies_above_one_half(small_run):
    sweep = pq.read_table(small_run / "train" / "sweep.parquet").to_pandas().set_index(["weighting", "smoothing"])
    raw = sweep.loc[("column", 0.1), "raw_brier"]
    assert np.all(raw > 10 * sweep.loc[("column", 0.1), "inverse_brier"])


def test_the_evidence_without_smoothing_is_journaled_before_any_setting_is_ranked(small_run):
    lines = [json.loads(line) for line in (small_run / "journal.jsonl").read_text().splitlines()]
    first = next(i for i, line in enumerate(lines) if "unsmoothed_valid_ece" in line["content"].get("values", {}))
    ranked = next(i for i, line in enumerate(lines) if "rank" in line["content"].get("values", {}))
    assert first < ranked


def test_labels_of_the_test_fold_are_read_by_evaluate_and_refit_alone(small_run):
    for stage in STAGES:
        context = StageContext(stage, small_run, small_run, None, None, None, None)  # type: ignore[arg-type]
        if "features" not in stage.reads:
            continue
        if stage.sees_test_labels:
            assert context.features("test")["label"].null_count < 100
        else:
            with pytest.raises(PermissionError, match="may not read the labels of the test fold"):
                context.features("test")
            assert context.features("test", labels=False)["label"].null_count > 1_000
    assert [stage.name for stage in STAGES if stage.sees_test_labels] == ["evaluate", "refit"]


def test_the_shadow_slice_is_a_tenth_of_test_where_no_later_rows_exist(small_run):
    shadow = pq.read_table(small_run / "evaluate" / "shadow.parquet")
    scores = pq.read_table(small_run / "evaluate" / "scores.parquet")
    assert 0.06 < shadow.num_rows / scores.num_rows < 0.14
    assert {"unsmoothed", "smoothed"} <= set(shadow.column_names)


def test_money_and_accounts_can_be_recomputed_from_the_scores_alone(small_run):
    report = loaded(small_run / "evaluate" / "report.json")
    rows = rows_from(small_run / "evaluate" / "scores.parquet", "hybrid")
    (found,) = [point for point in report["money"]["points"] if point["name"] == "expected_loss"]
    expected = money(rows, alert=5.0)
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected, rel=1e-6)
    counted = accounts(rows, [row[1] * row[2] >= 5.0 for row in rows])
    assert report["desk"]["figures"]["account_detection"]["value"] == pytest.approx(counted["account_detection"])
    _, loss, _, _, value = costs_of(rows, [row[1] * row[2] >= 5.0 for row in rows], alert=5.0)
    assert report["desk"]["figures"]["value_detection"]["value"] == pytest.approx(value / loss)


def test_the_point_that_ships_is_the_same_in_the_report_the_thresholds_and_the_manifest(small_run):
    report = loaded(small_run / "evaluate" / "report.json")
    manifest = loaded(small_run / "export" / "bundle" / "manifest.json")
    thresholds = loaded(small_run / "export" / "bundle" / "thresholds.json")
    (ships,) = [point["name"] for point in report["money"]["points"] if point["ships"]]
    assert ships == report["desk"]["point"] == manifest["point"] == thresholds["ships"] == "expected_loss"
