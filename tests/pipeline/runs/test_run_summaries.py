"""What became of runs, told from the small files that they leave."""

import os
import shutil

import pytest

from pipeline.runs.run_summaries import moment_text, report_page, run_summaries
from pipeline.storage.digests import sha256_file
from pipeline.storage.done import write_done


def made(runs, name, **stages):
    """A run folder with stages that finished at given seconds."""
    (runs / name).mkdir(parents=True)
    (runs / name / "config.json").write_text("{}")
    for stage, started in stages.items():
        (runs / name / stage).mkdir()
        details = {"stage": stage, "summary": f"{stage} did it; gate passed", "started": started, "seconds": 1.0}
        write_done(runs / name / stage, fingerprint="f", details=details)


def test_the_run_that_finished_last_stands_first_and_an_unjudged_one_has_no_verdict(tmp_path):
    made(tmp_path, "old", ingest=100.0)
    made(tmp_path, "new", features=300.0, ingest=200.0)
    made(tmp_path, "begun")
    found = run_summaries(tmp_path)
    assert [(each.folder.name, each.finished, each.stage) for each in found] == [
        ("new", 301.0, "features"),
        ("old", 101.0, "ingest"),
        ("begun", 0.0, ""),
    ]
    assert {each.passed for each in found} == {None}
    assert found[0].line == f"{'new':<28} 1970-01-01 00:05  features done  features did it"
    assert found[2].line.endswith("nothing done")


def test_a_judged_run_has_its_verdict_its_headline_and_its_manifest(small_run):
    found = next(each for each in run_summaries(small_run.parent) if each.folder == small_run)
    assert found.stage == "export"
    assert found.passed in (True, False)
    assert found.headline.startswith("hybrid AP ")
    assert "gate" not in found.headline
    assert found.manifest == sha256_file(small_run / "export" / "bundle" / "manifest.json")


def test_a_report_is_found_by_folder_by_name_and_as_the_newest(tmp_path):
    for name, moment in (("a", 10), ("b", 20)):
        made(tmp_path, name)
        for stage in ("evaluate", "refit"):
            (tmp_path / name / stage).mkdir()
            (tmp_path / name / stage / "report.html").touch()
            os.utime(tmp_path / name / stage / "report.html", (moment, moment))
    shutil.rmtree(tmp_path / "a" / "refit")
    assert report_page(None, runs=tmp_path) == tmp_path / "b" / "refit" / "report.html"
    assert report_page("a", runs=tmp_path) == tmp_path / "a" / "evaluate" / "report.html"
    assert report_page(str(tmp_path / "b"), runs=tmp_path / "none") == tmp_path / "b" / "refit" / "report.html"


def test_a_report_that_is_not_there_is_told_with_what_there_is(tmp_path):
    with pytest.raises(ValueError, match="must be a run with a report"):
        report_page(None, runs=tmp_path)
    made(tmp_path, "smoke-history")
    with pytest.raises(ValueError, match="must have been judged"):
        report_page("smoke-history", runs=tmp_path)
    with pytest.raises(ValueError, match="did you mean 'smoke-history'"):
        report_page("smoke-histori", runs=tmp_path)


def test_a_moment_is_told_to_the_minute_in_utc():
    assert moment_text(1_714_543_259.0) == "2024-05-01 06:00"
    assert not moment_text(0.0).strip()
