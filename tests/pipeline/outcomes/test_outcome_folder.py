"""A folder of daily files is judged as one, in the order of days, whatever else lies in it."""

import pytest

from pipeline.outcomes.outcome_folder import named_outcomes, outcome_files
from pipeline.storage.errors import InputError


def filled(folder, *names):
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_days_come_in_order_and_reports_and_hidden_files_do_not(tmp_path):
    filled(
        tmp_path, "2024-05-02.csv", "2024-05-01.parquet", ".part.csv", "_x.csv", "old.report.json", "old.report.html"
    )
    assert [path.name for path in outcome_files(tmp_path)] == ["2024-05-01.parquet", "2024-05-02.csv"]


def test_a_file_stands_for_itself_whatever_its_name(tmp_path):
    place = filled(tmp_path, "a.csv") / "a.csv"
    assert outcome_files(place) == [place]
    assert set(named_outcomes(place, [place])) == {"file", "sha256"}


def test_a_folder_without_outcomes_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must hold \.parquet, \.csv, \.jsonl files"):
        outcome_files(filled(tmp_path, "notes.txt"))


def test_another_day_is_another_digest(tmp_path):
    first = named_outcomes(tmp_path, outcome_files(filled(tmp_path, "1.csv")))
    later = named_outcomes(tmp_path, outcome_files(filled(tmp_path, "2.csv")))
    assert first["sha256"] != later["sha256"]
    assert list(later["files"]) == ["1.csv", "2.csv"]
