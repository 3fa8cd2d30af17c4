"""Export as a whole: what the bundle of a finished run says of that run."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.windows.spec import FeatureSpec
from pipeline.bundle.reason_file import references_digest
from pipeline.bundle.score import score_file
from pipeline.bundle.verify import verify_bundle
from tests.fixtures.bundles import manifest


@pytest.fixture(scope="module")
def said(small_run):
    return manifest(small_run / "export" / "bundle")


def read(small_run, stage, name="report.json"):
    return json.loads((small_run / stage / name).read_text())


def test_the_manifest_repeats_the_verdict_and_the_threshold(small_run, said):
    gate = read(small_run, "evaluate")["gate"]
    assert said["gate"] == {"passed": gate["passed"], "reasons": gate["reasons"]}
    points = read(small_run, "evaluate", "thresholds.json")["points"]
    assert said["threshold"] == points["alert_budget"]["threshold"]


def test_the_manifest_repeats_the_policy_and_its_cost(small_run, said):
    point = read(small_run, "evaluate", "thresholds.json")["points"]["expected_loss"]
    assert said["policy"] == {"point": "expected_loss", "policy": point["policy"], "alert_cost": point["alert_cost"]}


def test_reasons_are_of_the_runs_own_columns_and_of_legitimate_rows_of_train(small_run, said):
    values = read(small_run, "export", "bundle/reasons.json")
    spec = FeatureSpec.from_json((small_run / "features" / "spec.json").read_text())
    assert sorted(name for group in values["groups"] for name in group["columns"]) == sorted(spec.names)
    assert said["reasons"] == {"groups": 9, "references": references_digest(values["references"])}
    train = pq.read_table(
        small_run / "features" / "features.parquet", filters=[("fold", "=", "train"), ("label", "=", 0)]
    )
    legitimate = set(zip(train["amount"].to_pylist(), train["hour"].to_pylist(), strict=True))
    assert {(row["amount"], row["hour"]) for row in values["references"]} <= legitimate


def test_the_bundle_verifies_with_its_reasons(small_run):
    assert verify_bundle(small_run / "export" / "bundle").explained == 8


def test_the_manifest_says_what_the_model_has_seen(small_run, said):
    folds = read(small_run, "features")["folds"]
    assert said["seen_until"] == folds["calib"]["to"]
    assert said["folds"]["train"] == {"from": folds["train"]["from"], "to": folds["train"]["to"]}
    assert said["run"]["data"] == read(small_run, "ingest")["digest"]


def test_the_report_counts_the_rows_that_were_compared(small_run):
    report = read(small_run, "export")
    assert report["candidate"] == "hybrid"
    assert report["parity"]["rows"] == read(small_run, "features")["folds"]["test"]["rows"]
    assert set(report["parity"]["flipped"]) == {"logistic", "mlp", "mlp_unsmoothed", "xgboost", "hybrid"}


def test_the_bundle_scores_the_runs_features_as_the_run_did(small_run, tmp_path):
    features = small_run / "features" / "features.parquet"
    score_file(small_run / "export" / "bundle", features, tmp_path / "scores.parquet")
    test = pq.read_table(features, columns=["fold"])["fold"].to_numpy() == "test"
    found = pq.read_table(tmp_path / "scores.parquet")["hybrid"].to_numpy()[test]
    expected = pq.read_table(small_run / "evaluate" / "scores.parquet")["hybrid"].to_numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_column_is_optional_where_train_had_a_gap(small_run):
    signature = read(small_run, "export", "bundle/signature.json")
    train = pq.read_table(small_run / "features" / "features.parquet", filters=[("fold", "=", "train")])
    for column in signature["inputs"]:
        values = train[column["name"]].to_pandas()
        assert column["optional"] == bool(values.isna().any()), column["name"]
