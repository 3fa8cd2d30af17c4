"""What outcomes showed stands under the version that was judged, once; without a store nothing is lost."""

import pytest
from mlflow.tracking import MlflowClient

from pipeline.config import Config
from pipeline.registry.model_registry import VERDICT_TAG, opened_registry
from pipeline.registry.monitored_version import judgement_metrics, log_judgement, logged_or_why_not
from pipeline.tracking.mlflow_store import store_uri
from tests.fixtures.registered import empty_store
from tests.pipeline.outcomes.test_metrics_file import REPORT

pytestmark = pytest.mark.filterwarnings("ignore")
"""MLflow warns of itself: deprecated loaders, a store with a schema of its own."""
CONFIG = Config()


def judged(manifest):
    return REPORT | {
        "bundle": {"candidate": "hybrid", "manifest": manifest},
        "metrics": {"roc_auc": {"value": 0.9}, "average_precision": {"value": None}},
        "population": {"rows": 7, "frauds": 2},
        "outcomes": {"file": "may.csv", "sha256": "s"},
    }


def test_undefined_numbers_are_left_out():
    assert judgement_metrics(judged("m")) == {
        "outcomes_roc_auc": 0.9,
        "outcomes_log_loss_expected": 0.08,
        "outcomes_known_share": 0.75,
        "outcomes_alarms": 1.0,
        "outcomes_rows": 7.0,
        "outcomes_frauds": 2.0,
    }


def test_numbers_and_reports_stand_under_the_version_and_only_once(tmp_path):
    runs = empty_store(tmp_path / "runs")
    (tmp_path / "bundle" / "mlflow").mkdir(parents=True)
    (tmp_path / "bundle" / "mlflow" / "MLmodel").write_text("flavors: {}\n")
    with opened_registry(CONFIG.tracking, name="harbor-fraud", runs=runs) as registry:
        registry.register(tmp_path / "bundle", manifest="m", tags={}, run=None)
    (tmp_path / "may.report.json").write_text("{}")
    for _ in range(2):
        assert log_judgement(judged("m"), [tmp_path / "may.report.json"], CONFIG, runs=runs) == (
            "logged under version 1 of harbor-fraud"
        )
    client = MlflowClient(store_uri(CONFIG.tracking, runs=runs))
    experiment = client.get_experiment_by_name(CONFIG.tracking.experiment).experiment_id
    (run,) = client.search_runs([experiment], "tags.`harbor.outcomes` = 's'")
    assert run.data.metrics["outcomes_roc_auc"] == 0.9
    assert run.data.tags["harbor.model_version"] == "1"
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["may.report.json"]
    assert client.get_model_version("harbor-fraud", "1").tags[VERDICT_TAG] == "alarm"


def test_a_bundle_that_nobody_registered_and_a_machine_without_a_store_are_no_fault(tmp_path):
    runs = empty_store(tmp_path / "runs")
    assert "no version of harbor-fraud was registered" in log_judgement(judged("other"), [], CONFIG, runs=runs)
    assert log_judgement(judged("m"), [], CONFIG, runs=tmp_path / "none") == ""
    assert not (tmp_path / "none").exists()


def test_a_store_that_cannot_be_reached_is_a_warning():
    config = Config.model_validate({"tracking": {"uri": "http://127.0.0.1:9", "timeout": 1}})
    warned = []
    assert logged_or_why_not(judged("m"), [], config, runs=None, warn=warned.append) == ""
    assert "was not logged to MLflow" in warned[0]
