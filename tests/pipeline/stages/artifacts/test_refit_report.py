"""What others read of a refit's report."""

import json

import pytest

from pipeline.stages.artifacts.refit_report import read_refit
from pipeline.storage.errors import InputError

REPORT = {
    "ships": "refit",
    "reasons": [],
    "moment": "2024-05-10T00:00:00Z",
    "judged_seen_until": "2024-04-19T00:00:00Z",
    "refit_seen_until": "2024-05-10T00:00:00Z",
}


def written(folder, **changed):
    (folder / "report.json").write_text(json.dumps(REPORT | changed))
    return read_refit(folder)


def test_a_refit_says_until_when_each_model_has_seen(tmp_path):
    found = written(tmp_path)
    assert found.refitted
    assert found.refit_seen_until - found.judged_seen_until == 21 * 86_400_000_000


def test_a_refit_in_use_is_worse_only_where_zero_is_excluded(tmp_path):
    use = {"value": 0.01, "low": 0.002, "high": 0.02, "days": 9, "rows": 900, "frauds": 30, "champion": "4"}
    assert written(tmp_path, refit_in_use=use).refit_in_use.worse
    assert not written(tmp_path, refit_in_use=use | {"low": None, "high": None}).refit_in_use.worse
    assert not written(tmp_path, refit_in_use=use | {"low": -0.001}).refit_in_use.worse


def test_a_file_that_is_no_report_is_refused_by_its_faults(tmp_path):
    with pytest.raises(InputError, match="ships"):
        written(tmp_path, ships="both")
