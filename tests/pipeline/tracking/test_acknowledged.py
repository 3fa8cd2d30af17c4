"""What a store has taken is noted beside the journal, for that store alone."""

import pytest

from pipeline.sections import TrackingConfig
from pipeline.tracking.acknowledged import ACKNOWLEDGED, Acknowledged, waiting_records
from pipeline.tracking.journal import Journal

STORE = TrackingConfig(uri="http://one")


@pytest.fixture
def run(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for kind in ("open", "artifact", "metrics", "artifact", "close"):
        journal.append(kind, "key")
    return tmp_path


def test_all_waits_until_something_was_acknowledged(run):
    assert waiting_records(run, STORE) == 5
    Acknowledged(STORE.uri, STORE.experiment, records=3, artifacts=2).write(run)
    assert waiting_records(run, STORE) == 2


def test_artifacts_wait_behind_the_records(run):
    records = list(Journal(run / "journal.jsonl").records())
    plain, artifacts = Acknowledged("", "", records=1).waiting(records)
    assert ([each.sequence for each in plain], [each.sequence for each in artifacts]) == ([2, 4], [1, 3])


def test_what_was_noted_comes_back(run):
    kept = Acknowledged(STORE.uri, STORE.experiment, 3, 2, {"key": "id"}, ["key"])
    kept.write(run)
    assert Acknowledged.read(run, STORE) == kept


@pytest.mark.parametrize("other", [TrackingConfig(uri="http://two"), TrackingConfig(uri="http://one", experiment="x")])
def test_another_store_begins_anew(run, other):
    Acknowledged(STORE.uri, STORE.experiment, records=5, artifacts=5).write(run)
    assert Acknowledged.read(run, other) == Acknowledged(other.uri, other.experiment)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"more": 1}'])
def test_a_torn_note_counts_as_none(run, content):
    (run / ACKNOWLEDGED).write_text(content)
    assert waiting_records(run, STORE) == 5


def test_a_store_that_was_replaced_is_forgotten_but_for_its_address():
    kept = Acknowledged("u", "e", 3, 2, {"key": "id"}, ["key"])
    kept.forget()
    assert kept == Acknowledged("u", "e")
