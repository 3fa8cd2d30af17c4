"""A report on outcomes is written where it is asked for; a place that is closed is told, and another can be named."""

import errno
import json
from pathlib import Path

import pytest

from pipeline.outcomes import written_judgement
from pipeline.outcomes.written_judgement import page_beside, place_beside, write_beside, write_judgement, write_out


@pytest.fixture(autouse=True)
def short_page(monkeypatch):
    monkeypatch.setattr(written_judgement, "monitoring_html", lambda report: f"<html>{report['rows']}</html>")


def test_the_report_lies_beside_the_outcomes_under_their_name():
    assert place_beside(Path("mount/oct.2024.parquet")) == Path("mount/oct.2024.report.json")
    assert page_beside(Path("mount/oct.2024.report.json")) == Path("mount/oct.2024.report.html")


def test_a_report_is_written_as_json(tmp_path):
    place = write_judgement({"rows": 3}, tmp_path / "new" / "oct.report.json")
    assert json.loads(place.read_text()) == {"rows": 3}


def test_a_folder_of_outcomes_has_its_report_and_page_beside_it(tmp_path):
    (tmp_path / "days").mkdir()
    written = write_beside({"rows": 3}, tmp_path / "days", str(tmp_path / "days"))
    assert [path.name for path in written.files] == ["days.report.json", "days.report.html"]
    assert written.files[1].read_text() == "<html>3</html>"


def test_a_place_that_was_named_gets_both(tmp_path):
    written = write_out({"rows": 3}, str(tmp_path / "new" / "a.json"))
    assert written.shown == (str(tmp_path / "new" / "a.json"), str(tmp_path / "new" / "a.html"))
    assert all(path.is_file() for path in written.files)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_place_where_nothing_may_be_written_is_refused_with_what_to_do(monkeypatch, number):
    def closed(*_):
        raise OSError(number, "no writing here")

    monkeypatch.setattr(written_judgement, "write_json", closed)
    with pytest.raises(ValueError, match=r"oct\.report\.json: .*no writing here.*--out"):
        write_judgement({}, Path("oct.report.json"))


def test_a_full_disk_is_no_fault_of_the_place(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(written_judgement, "write_json", full)
    with pytest.raises(OSError, match="full"):
        write_judgement({}, Path("oct.report.json"))
