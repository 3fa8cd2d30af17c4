"""A report on outcomes is written where it is asked for; a place that is closed is told, and another can be named."""

import errno
import json
from pathlib import Path

import pytest

from pipeline.outcomes import judged_outcomes
from pipeline.outcomes.judged_outcomes import place_beside, write_judgement


def test_the_report_lies_beside_the_outcomes_under_their_name():
    assert place_beside(Path("mount/oct.2024.parquet")) == Path("mount/oct.2024.report.json")


def test_a_report_is_written_as_json(tmp_path):
    place = write_judgement({"rows": 3}, tmp_path / "new" / "oct.report.json")
    assert json.loads(place.read_text()) == {"rows": 3}


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_place_where_nothing_may_be_written_is_refused_with_what_to_do(monkeypatch, number):
    def closed(*_):
        raise OSError(number, "no writing here")

    monkeypatch.setattr(judged_outcomes, "write_json", closed)
    with pytest.raises(ValueError, match=r"oct\.report\.json: .*no writing here.*--out"):
        write_judgement({}, Path("oct.report.json"))


def test_a_full_disk_is_no_fault_of_the_place(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(judged_outcomes, "write_json", full)
    with pytest.raises(OSError, match="full"):
        write_judgement({}, Path("oct.report.json"))
