"""The scheduled job: one run folder a moment, repeated for free, locked, tidied up."""

import subprocess
import sys

import pytest
from filelock import FileLock

from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.runs.settings import RunSettings
from pipeline.schedule.retrain import retrain
from pipeline.storage.content import read_json
from pipeline.storage.lease import claimed
from pipeline.storage.locks import LockedError
from tests.conftest import SMALL
from tests.fixtures.retrains import STAGES, WORKED, retrained


def test_a_retrain_is_done_once_and_told_again_for_free(tmp_path):
    first = retrained(tmp_path, "2024-05-01")
    assert (WORKED, first.passed, first.folder.name) == (["ingest", "evaluate"], True, "night-20240501T000000Z")
    again = retrained(tmp_path, "2024-05-01")
    assert WORKED == []
    assert again == first


def test_a_retrain_whose_configuration_changed_is_made_again(tmp_path):
    retrained(tmp_path, "2024-05-01")
    assert not retrained(tmp_path, "2024-05-01", "gate.min_frauds=1000").passed
    assert WORKED == ["evaluate"]


def test_a_file_that_changed_under_a_finished_retrain_is_made_anew(tmp_path):
    (retrained(tmp_path, "2024-05-01").folder / "ingest" / "rows").write_text("other")
    retrained(tmp_path, "2024-05-01")
    assert WORKED == ["ingest"]


def test_a_job_killed_before_its_outcome_was_written_goes_on_there(tmp_path):
    outcome = retrained(tmp_path, "2024-05-01").folder / "retrain.json"
    told = read_json(outcome)
    outcome.unlink()
    retrained(tmp_path, "2024-05-01")
    assert WORKED == []
    assert read_json(outcome) == told


def test_a_second_retrain_at_the_same_time_is_refused(tmp_path):
    with (
        FileLock(tmp_path / ".night.lock"),
        pytest.raises(LockedError, match="another retrain of night is at work"),
    ):
        retrained(tmp_path, "2024-05-01")
    assert not (tmp_path / "night-20240501T000000Z").exists()


def test_a_retrain_needs_a_moment(tmp_path):
    settings = RunSettings(load_config(None, environment={}), None)
    with pytest.raises(ValueError, match="needs a moment"):
        retrain("night", settings, STAGES, runs=tmp_path, reporter=SilentReporter())


def test_old_runs_go_and_other_folders_stay(tmp_path):
    (tmp_path / "night-notes").mkdir()
    (tmp_path / "other-20240101T000000Z").mkdir()
    days = [f"2024-05-0{number}" for number in range(1, 6)]
    outcomes = [retrained(tmp_path, day, "runs.keep=2") for day in days]
    assert [each.removed for each in outcomes[:2]] == [(), ()]
    assert outcomes[4].removed == ("night-20240503T000000Z",)
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert left == ["night-20240504T000000Z", "night-20240505T000000Z", "night-notes", "other-20240101T000000Z"]


LENIENT = ("gate.ece_tolerance=10", "gate.observed_expected_low=0.01", "gate.observed_expected_high=99")
SMALLER = (*SMALL, *LENIENT, "split.train='40d'", "split.valid='14d'", "split.calib='14d'", "split.test='28d'")


def command(folder, day, *assignments):
    given = [part for each in (*SMALLER, *assignments) for part in ("--set", each)]
    line = [sys.executable, "-m", "pipeline.cli", "retrain", "--config", "smoke.toml", "--as-of", day, *given]
    return subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_retrains_promote_recheck_and_never_go_back_behind_the_champion(tmp_path):
    first = command(tmp_path, "2024-06-18", "sweep.mode='recheck'", "runs.keep=1")
    second = command(tmp_path, "2024-06-18", "sweep.mode='recheck'", "runs.keep=1")
    codes = {first.wait(), second.wait()}
    said = first.communicate()[0] + second.communicate()[0]
    assert codes == {0, 4}
    assert "version 1 is champion" in said
    assert "another retrain of smoke is at work" in said
    later = command(tmp_path, "2024-06-25", "sweep.mode='recheck'", "runs.keep=1", "gate.champion_rule='not_worse'")
    said = later.communicate()[0]
    run = tmp_path / "runs" / "smoke-20240625T000000Z"
    report = read_json(run / "evaluate" / "report.json")
    assert "The smoothing in use" in report["drift"]["sentence"]
    tried = report["smoothing"]["sweep"]
    began, found = read_json(run / "train" / "report.json")["notes"][-2:]
    assert began == "this was a recheck: it went on from the champion's networks"
    assert len(tried) <= 4 or "so the optimum has moved" in found
    assert (tmp_path / "runs" / "smoke-20240618T000000Z").is_dir()
    if later.returncode == 0:
        assert "version 2 is champion" in said
        behind = command(tmp_path, "2024-06-11", "sweep.mode='recheck'")
        assert "later than this run" in behind.communicate()[0]


def test_a_retrain_that_one_machine_did_is_free_on_every_other(store, tmp_path):
    kept = (f"runs.store='{store.uri}'", "runs.keep=1")
    first = retrained(tmp_path / "one", "2024-05-01", *kept)
    again = retrained(tmp_path / "two", "2024-05-01", *kept)
    assert WORKED == []
    assert (again.passed, again.lines, again.removed) == (first.passed, first.lines, ())
    claims = store.child(".retrain-night.claims")
    with claimed(claims, "somebody", what="it"), pytest.raises(LockedError, match="is working on retrain-night"):
        retrained(tmp_path / "two", "2024-05-02", *kept)
    assert retrained(tmp_path / "two", "2024-05-02", *kept).removed == (first.folder.name,)
    assert {name.partition("/")[0] for name in store.files()} == {"night-20240502T000000Z"}
