import pytest

from pipeline.runs.settings import read_settings
from pipeline.stages.ingest.make_transactions import outside_inputs
from pipeline.tracking.journal import Journal
from tests.fixtures.registered import settings_of
from tests.oracles.bad_input import csv, good_rows, text


def test_what_ingest_takes_from_outside_is_preset_secret_and_files(tmp_path, monkeypatch):
    monkeypatch.setenv("HARBOR_TEST_KEY", "sixteen bytes at least")
    path = csv(tmp_path, text(good_rows()))
    config = settings_of(f"data.source='{path}'", "data.hash_key_env='HARBOR_TEST_KEY'")
    found = dict(outside_inputs(config))
    assert list(found) == ["data.preset", "data.hash_key_env", "data.source data.csv"]
    assert found["data.source data.csv"] == path
    assert "sixteen" not in str(found)


def test_a_simulation_takes_the_preset_alone_from_outside():
    assert [name for name, _ in outside_inputs(settings_of("data.source='simulate'"))] == ["data.preset"]


def test_counts_digest_and_data_set_go_to_the_log(small_run):
    records = [each for each in Journal(small_run / "journal.jsonl").records() if each.key.endswith("/ingest")]
    metrics = {name: v for each in records if each.kind == "metrics" for name, v in each.content["values"].items()}
    rows = read_settings(small_run).config.data.rows
    assert metrics["accepted"] + metrics["quarantined"] == metrics["rows_in"] == pytest.approx(rows)
    assert 0 < metrics["prevalence"] < 0.1
