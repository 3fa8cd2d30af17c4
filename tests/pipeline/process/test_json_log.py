"""Logs as JSON lines: every line parses, and no card number or password stands in one."""

import datetime as dt
import io
import json
import logging
import shutil
import sys
import warnings

import pytest

from features.times import day_microseconds, time_text
from pipeline import cli
from pipeline.process import json_log as log_lines
from pipeline.process.json_log import JsonReporter, capture_libraries, log_line

CARD = "4929123412341234"


@pytest.fixture
def library_logs():
    """Puts back what `capture_libraries` changes for a whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def logged(monkeypatch, capsys, tmp_path, library_logs):
    """Runs a command line that logs as JSON; gives its exit code, its records and its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARBOR_TRACKING__ENABLED", "false")
    monkeypatch.setenv("HARBOR_LOG_FORMAT", "json")
    monkeypatch.setenv("MLFLOW_CONFIGURE_LOGGING", "true")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harbor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code), [json.loads(line) for line in captured.err.splitlines()], captured.out

    return call


def with_bad_rows(path):
    """A file of transactions whose third card has a number that must not be told, in rows that are not valid."""
    lines = [f"t{row},2024-03-{1 + row % 28:02}T00:00:00Z,c{row},m1,{row}.50,0," for row in range(40)]
    lines[3] = f"t3,2024-03-04T00:00:00Z,{CARD},m1,-5.00,0,"
    lines[4] = f"t4,not a time,{CARD},m1,5.00,0,"
    names = "transaction_id,event_time,card_id,merchant_id,amount,label,label_available_at"
    path.write_text("\n".join([names, *lines]) + "\n")
    return path


def test_every_line_of_a_job_is_a_record_and_names_no_card(logged, tmp_path):
    file = with_bad_rows(tmp_path / "transactions.csv")
    code, records, out = logged(
        *("run", "--config", "smoke.toml", "--run", "night", "--set", f"data.source='{file}'"),
        *("--set", "data.max_quarantined_share=0.5"),
    )
    assert (code, out) == (2, "")
    assert all(each.keys() >= {"time", "level", "event", "message"} for each in records)
    finished = next(each for each in records if each["event"] == "stage_finished")
    assert finished["stage"] == "ingest"
    assert finished["seconds"] > 0
    assert "38" in finished["message"]
    assert [each["stage"] for each in records if each["event"] == "stage_failed"] == ["features"]
    assert CARD not in json.dumps(records)
    assert (records[-1]["event"], records[-1]["level"], records[-1]["code"]) == ("exit", "error", 2)
    assert dt.datetime.fromisoformat(records[0]["time"]).utcoffset() == dt.timedelta(0)


def test_a_kept_stage_and_a_refused_gate_are_events_and_results_stay_on_standard_output(logged, small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    code, records, _ = logged("export", "--run", run)
    assert code == 0
    kept = next(each for each in records if each["event"] == "stage_kept")
    assert (kept["stage"], kept["level"]) == ("export", "info")
    gate = next(each for each in records if each["event"] == "gate")
    assert isinstance(gate["passed"], bool)
    assert isinstance(gate["reasons"], list)
    assert records[-1] | {"time": "", "seconds": 0} == {
        **{"time": "", "level": "info", "event": "exit", "message": "", "code": 0, "seconds": 0}
    }
    code, records, out = logged("verify", "--bundle", run / "export" / "bundle")
    assert code == 0
    assert "golden rows" in out
    assert [each["event"] for each in records] == ["exit"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--config", "smoke.toml", "--set", "train.epoch=3"), "did you mean 'epochs'?"),
        (("run", "--konfig", "smoke.toml"), "No such option"),
        (("run", "--config", "smoke.toml", "--set", "tracking.uri='postgresql://ann:hunter2@db/x'"), "tracking.uri"),
    ],
)
def test_an_error_is_the_last_record_with_its_exit_code_and_no_password(logged, arguments, said):
    code, records, out = logged(*arguments)
    assert (code, out) == (2, "")
    assert (records[-1]["event"], records[-1]["code"]) == ("exit", 2)
    assert said in records[-1]["message"]
    assert "hunter2" not in json.dumps(records)


def test_the_traceback_is_in_the_record_on_request(logged, monkeypatch):
    monkeypatch.setenv("HARBOR_DEBUG", "1")
    _, records, _ = logged("verify", "--bundle", "nowhere")
    assert "Traceback" in records[-1]["traceback"]


def test_another_format_is_refused(logged, monkeypatch, capsys):
    monkeypatch.setenv("HARBOR_LOG_FORMAT", "xml")
    monkeypatch.setattr(sys, "argv", ["harbor", "verify", "--bundle", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "HARBOR_LOG_FORMAT must be text or json, got 'xml'" in capsys.readouterr().err


def test_what_libraries_say_becomes_records(library_logs, monkeypatch):
    monkeypatch.setenv("MLFLOW_CONFIGURE_LOGGING", "true")
    stream = io.StringIO()
    capture_libraries(stream)
    logging.getLogger("lumber").warning("two\nlines of %s", "postgresql://ann:hunter2@db/x")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn("old", UserWarning, stacklevel=1)
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["logger"], first["message"]) == ("lumber", "two\nlines of postgresql://***@db/x")
    assert (second["logger"], second["level"]) == ("py.warnings", "warning")


def test_progress_is_a_record_at_most_every_interval(monkeypatch):
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    with reporter.stage("train"):
        reporter.progress(1, 20, "just begun")
        monkeypatch.setattr(log_lines, "PLAIN_INTERVAL", 0.0)
        reporter.progress(2, 20, "valid 0.0512")
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["event"] for each in records] == ["stage_started", "progress"]
    assert (records[1]["stage"], records[1]["done"], records[1]["total"]) == ("train", 2, 20)


def test_a_record_has_no_value_that_json_lacks():
    record = json.loads(log_line("info", "message", "x", loss=float("nan"), place=dt.date(2024, 5, 1)))
    assert (record["loss"], record["place"]) == (None, "2024-05-01")


def test_a_day_begins_at_midnight_in_utc_wherever_the_clock_stands():
    moment = dt.datetime(2024, 5, 1, 1, 15, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert time_text(day_microseconds(moment)) == "2024-04-30T00:00:00Z"


def test_a_retrain_without_a_moment_is_as_of_the_day_that_began(logged, monkeypatch, tmp_path):
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return dt.datetime(2024, 5, 1, 1, 15, tzinfo=dt.timezone(dt.timedelta(hours=2))).astimezone(tz)

    monkeypatch.setattr(cli, "datetime", Clock)
    (tmp_path / "night.toml").write_text("data.source = 'gone.csv'")
    code, records, _ = logged("retrain", "--config", "night.toml")
    assert code == 2
    assert (records[0]["event"], records[0]["as_of"]) == ("started", "2024-04-30T00:00:00Z")
    assert list((tmp_path / "runs").glob("night-*")) == []
