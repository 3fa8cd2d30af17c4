"""config.json says what a run was asked for, and nothing that another run of the same would not say."""

import json

import pytest

from pipeline.config import load_config
from pipeline.runs.settings import RunSettings, kept_in, read_settings, resolved_settings
from pipeline.storage.content import write_json
from pipeline.storage.errors import InputError

ASKED_FOR = RunSettings(load_config(None, assignments=("train.seed=5", "data.seed=6"), environment={}), 1_714_521_600)


@pytest.mark.parametrize("as_of", [None, 1_714_521_600_000_000])
def test_settings_come_back_from_a_run_folder(tmp_path, as_of):
    asked_for = RunSettings(ASKED_FOR.config, as_of)
    write_json(tmp_path / "config.json", resolved_settings(asked_for))
    assert read_settings(tmp_path) == asked_for


def test_the_same_run_says_the_same(tmp_path):
    first, again = (json.dumps(resolved_settings(ASKED_FOR)) for _ in range(2))
    assert first == again
    assert resolved_settings(ASKED_FOR)["seeds"] == {"data": 6, "train": 5}


def test_a_store_is_added_and_nothing_else_changes():
    assert kept_in(ASKED_FOR, "") is ASKED_FOR
    kept = kept_in(ASKED_FOR, "s3://bucket/runs")
    assert kept.config.runs.store == "s3://bucket/runs"
    assert kept.config.model_copy(update={"runs": ASKED_FOR.config.runs}) == ASKED_FOR.config


def test_a_folder_without_settings_is_no_run_folder(tmp_path):
    with pytest.raises(InputError, match=r"must be a run folder, but it holds no config\.json"):
        read_settings(tmp_path)


@pytest.mark.parametrize("content", [{}, [], {"as_of": "x", "config": {}}, {"as_of": None, "config": 3}])
def test_settings_that_are_none_are_refused(tmp_path, content):
    write_json(tmp_path / "config.json", content)
    with pytest.raises(InputError, match=r"config\.json must hold a run's settings, but it does not"):
        read_settings(tmp_path)


def test_a_key_that_has_moved_since_the_run_is_named_with_its_new_place(tmp_path):
    content = resolved_settings(RunSettings(load_config("smoke.toml", environment={}), None))
    content["config"]["export"]["alert_cost"] = 5.0
    content["config"]["export"]["alert_kost"] = 5.0
    write_json(tmp_path / "config.json", content)
    with pytest.raises(InputError, match=r"2 faults in .*config\.json") as caught:
        read_settings(tmp_path)
    assert "export.alert_cost: moved to decision.alert_cost" in str(caught.value)
    assert "export.alert_kost: unknown key" in str(caught.value)
    assert "pydantic" not in str(caught.value)
