"""A working folder belongs to one run of one store."""

import shutil

import pytest

from pipeline.process.reporter import SilentReporter
from pipeline.runs.working_copy import RunPlace, held_in_store, job_claimed, owner_name, run_place
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError
from tests.fixtures.two_stages import brought_in_store


def test_a_working_folder_belongs_to_one_run(store, tmp_path):
    brought_in_store(tmp_path / "night", store.child("a"))
    with pytest.raises(
        InputError, match=r"is the working folder of s3://harbor/.*/a/night, got s3://harbor/.*/b/night"
    ):
        brought_in_store(tmp_path / "night", store.child("b"))
    (tmp_path / "other" / "night").mkdir(parents=True)
    shutil.copy(tmp_path / "night" / "config.json", tmp_path / "other" / "night")
    with pytest.raises(InputError, match="must not hold another run than"):
        run_place(f"{store.uri}/a/night", runs=tmp_path / "other")


@pytest.mark.parametrize("text", ["s3://bucket", "s3://bucket/", "gs://bucket/a/../", "s3:///name"])
def test_an_address_must_name_a_folder_inside_a_bucket(tmp_path, text):
    with pytest.raises(InputError, match="--run must name a folder inside a bucket"):
        run_place(text, runs=tmp_path)


def test_a_path_is_its_own_working_folder(tmp_path):
    assert run_place(f"file://{tmp_path}/night", runs=tmp_path / "runs") == RunPlace(tmp_path / "night", "")


def test_jobs_of_a_folder_of_runs_have_one_name_and_those_of_another_have_another(tmp_path):
    (tmp_path / "b").mkdir()
    assert owner_name(tmp_path) == owner_name(tmp_path) != owner_name(tmp_path / "b")


def test_a_job_on_a_store_is_done_by_one_machine_at_a_time(tmp_path):
    for machine in ("a", "b", "store"):
        (tmp_path / machine).mkdir()
    with (
        job_claimed(f"file://{tmp_path}/store", "retrain", runs=tmp_path / "a"),
        pytest.raises(LockedError, match="another job is working on retrain in file://"),
        job_claimed(f"file://{tmp_path}/store", "retrain", runs=tmp_path / "b"),
    ):
        pass
    with job_claimed("", "retrain", runs=tmp_path / "a"), job_claimed("", "retrain", runs=tmp_path / "b"):
        pass


class Listener(SilentReporter):
    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def test_a_job_that_failed_sends_its_journal_or_says_where_it_stands(tmp_path):
    run, reporter = tmp_path / "runs" / "night", Listener()

    def fail(*, breaks_store):
        with held_in_store(run, f"file://{tmp_path}/store", [], reporter=reporter) as stored:
            (run / "journal.jsonl").write_text("{}\n")
            if breaks_store:
                stored.place.child(".claims").remove_folder()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail(breaks_store=False)
    assert (tmp_path / "store" / "night" / "journal.jsonl").read_text() == "{}\n"
    assert reporter.warnings == []
    with pytest.raises(RuntimeError, match="broken"):
        fail(breaks_store=True)
    assert reporter.warnings == [f"the journal could not be sent to file://{tmp_path}/store/night; it stands in {run}"]
