"""Data read as ingest reads it, with nothing of it kept."""

import tempfile

import pytest

from pipeline.inspection.ingested_data import ingested_data
from pipeline.process.reporter import SilentReporter
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import ingested
from tests.fixtures.small_data import config_of, sample_file


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


def test_it_is_what_ingest_makes_and_nothing_stays(tmp_path, scratch):
    path = sample_file(tmp_path)
    found = ingested_data(config_of(path), as_of=None)
    assert found.report.digest == ingested(path).report["digest"]
    assert found.report.accepted == found.transactions.num_rows == 4_000
    assert list(scratch.iterdir()) == []


def test_what_ingest_refuses_is_refused_and_nothing_stays(tmp_path, scratch):
    path = tmp_path / "bad.csv"
    path.write_bytes(sample_file(tmp_path).read_bytes().replace(b"2024-", b"24-"))
    with pytest.raises(InputError, match="event_time"):
        ingested_data(config_of(path), as_of=None)
    assert list(scratch.iterdir()) == []


def test_how_far_it_has_come_is_passed_on(tmp_path):
    class Listening(SilentReporter):
        rows = 0

        def progress(self, done, total, note=""):
            self.rows = max(self.rows, done)

    reporter = Listening()
    ingested_data(config_of(sample_file(tmp_path)), as_of=None, reporter=reporter)
    assert reporter.rows == 4_000
