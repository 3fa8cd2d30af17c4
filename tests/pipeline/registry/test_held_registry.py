"""One job at a time has the registry, and its ledger knows what others did meanwhile."""

import pytest
from filelock import FileLock
from mlflow.tracking import MlflowClient

from pipeline.registry.ledger import read_ledger
from pipeline.registry.promotion import promote_run, rollback_champion
from pipeline.storage.locks import LockedError
from pipeline.tracking.mlflow_store import store_uri
from tests.fixtures.registered import DEFAULTS, bundle_run, versions

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_champion_that_other_hands_chose_is_found_and_written_down(small_run, runs):
    for name in "ab":
        promote_run(bundle_run(small_run, runs / name, note=name), DEFAULTS)
    MlflowClient(store_uri(DEFAULTS.tracking, runs=runs)).set_registered_model_alias("harbor-fraud", "champion", "1")
    outcome = promote_run(bundle_run(small_run, runs / "c", note="c"), DEFAULTS)
    assert (outcome.before, outcome.champion) == ("1", "3")
    lines = read_ledger(runs / "promotions.jsonl")
    assert [(line.action, line.before, line.after) for line in lines[2:]] == [
        ("found", "2", "1"),
        ("promote", "1", "3"),
    ]


def test_a_ledger_that_was_lost_is_restored_from_the_registry(small_run, runs):
    promote_run(bundle_run(small_run, runs / "a", note="a"), DEFAULTS)
    before = read_ledger(runs / "promotions.jsonl")
    (runs / "promotions.jsonl").unlink()
    promote_run(runs / "a", DEFAULTS)
    assert read_ledger(runs / "promotions.jsonl") == before


def test_a_job_that_finds_the_registry_taken_leaves_at_once(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a")
    with FileLock(runs / "promotions.lock"), pytest.raises(LockedError, match="another job is promoting"):
        promote_run(run, DEFAULTS)
    assert versions(runs) == []


def test_a_rollback_without_a_store_is_refused_and_makes_none(tmp_path):
    with pytest.raises(ValueError, match="must be a registry beside the runs"):
        rollback_champion(DEFAULTS, runs=tmp_path)
    assert list(tmp_path.iterdir()) == []
