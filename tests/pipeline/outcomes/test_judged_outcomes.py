"""Outcomes that arrived later are judged as the test fold was, and what is not known is said."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY
from pipeline import cli
from pipeline.bundle.twin import Twin
from pipeline.outcomes.judged_outcomes import judge_outcomes, refit_against_twin
from pipeline.outcomes.outcome_rows import Outcomes
from pipeline.outcomes.printed_outcomes import population_lines, refit_lines
from pipeline.storage.errors import INPUT_ERRORS
from tests.fixtures.receivers import receiver
from tests.fixtures.registered import settings_of

CONFIG = settings_of("evaluation.resamples=100", "evaluation.slice_resamples=100")


@pytest.fixture(scope="module")
def frame(small_run):
    """The test fold as an outcome file would give it: features, label, time, amount and card."""
    features = pq.read_table(small_run / "features" / "features.parquet").to_pandas()
    transactions = pq.read_table(small_run / "ingest" / "transactions.parquet").to_pandas()
    rows = (features["fold"] == "test").to_numpy()
    frame = features[rows].drop(columns="fold").reset_index(drop=True)
    extra = transactions.loc[rows, ["amount", "card_id"]].reset_index(drop=True)
    return frame.assign(**extra)


@pytest.fixture
def judged(small_run, tmp_path):
    def judge(frame, name="outcomes.parquet"):
        path = tmp_path / name
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        elif path.suffix == ".csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_json(path, orient="records", lines=True, date_format="iso", double_precision=15)
        found = judge_outcomes(small_run / "export" / "bundle", path, CONFIG)
        return found.report, found.place

    return judge


def test_outcomes_of_the_test_fold_give_the_numbers_of_its_report(frame, judged, small_run, tmp_path):
    report, place = judged(frame)
    at_home = json.loads((small_run / "evaluate" / "report.json").read_text())["candidates"]["hybrid"]
    for name in ("roc_auc", "average_precision", "brier", "log_loss", "observed_expected"):
        assert report["metrics"][name]["value"] == pytest.approx(at_home[name]["value"], abs=1e-4), name
    assert report["warnings"] == []
    assert place == tmp_path / "outcomes.report.json"
    written = json.loads(place.read_text())
    assert written["monitoring"]["numbers"]["known_share"] == 1.0
    assert written["population"] == report["population"]
    assert written["outcomes"]["file"] == "outcomes.parquet"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_kind_of_file_changes_no_number(frame, judged, kind):
    expected, _ = judged(frame)
    found, _ = judged(frame, f"outcomes.{kind}")
    assert found["population"] == expected["population"]
    assert found["metrics"]["log_loss"]["value"] == pytest.approx(expected["metrics"]["log_loss"]["value"], abs=1e-9)


def test_unknown_and_blocked_outcomes_are_counted_and_not_judged(frame, judged):
    part = frame.assign(blocked=(np.arange(len(frame)) % 10 == 0).astype(int))
    part["label"] = part["label"].astype("Int64").where(np.arange(len(part)) % 3 > 0)
    report, _ = judged(part)
    known = int((part["label"].notna() & (part["blocked"] == 0)).sum())
    assert report["population"]["rows"] == known < len(part)
    assert report["coverage"]["blocked"] == int(part["blocked"].sum())
    assert any("outcomes are known for" in warning for warning in report["warnings"])
    assert "waiting" in population_lines(report)[0]


def test_scored_rows_need_no_features_and_it_is_said_that_they_were_not_checked(frame, judged):
    report, _ = judged(pd.DataFrame({"label": frame["label"], "probability": 0.02}))
    assert report["metrics"]["brier"]["value"] > 0
    assert any("not checked" in warning for warning in report["warnings"])
    assert report["population"]["from"] is None


def test_probabilities_that_are_not_the_bundles_are_noticed(frame, judged):
    report, _ = judged(frame.assign(probability=0.5))
    assert any("another probability in the file" in warning for warning in report["warnings"])


def test_rows_that_the_bundle_has_learned_from_are_told(frame, judged):
    report, _ = judged(frame.assign(event_time=frame["event_time"] - pd.Timedelta(days=400)))
    assert any("last event that a fit of the bundle saw" in warning for warning in report["warnings"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="label"), "must have a column 'label'"),
        (lambda f: f.assign(label=7), "'label': must be 0, 1 or empty"),
        (lambda f: f.assign(label="fraud"), "'label': must be 0, 1 or empty"),
        (lambda f: f.assign(label=7, amount=-1.0, event_time="soon"), "3 faults in"),
        (lambda f: f.assign(blocked=2), "'blocked': must be 0, 1 or empty"),
        (lambda f: f.assign(label=np.nan), "at least one row must have a known outcome"),
        (lambda f: f[:0], "must have at least one row"),
        (lambda f: f[["label", "amount"]], "columns missing"),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_in_one_message(frame, judged, tmp_path, change, said):
    with pytest.raises(INPUT_ERRORS, match=said):
        judged(change(frame))
    assert [path.name for path in tmp_path.iterdir()] == ["outcomes.parquet"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--bundle", "bundle", "--outcomes", "rows.parquet"], 0, "known outcomes of"),
        (["--bundle", "bundle", "--outcomes", "none.parquet"], 2, "but none.parquet is none"),
        (["--bundle", "bundle", "--outcomes", "rows.xls"], 2, "must be in a .parquet, .csv or .jsonl file"),
        (["--bundle", "bundle"], 2, "either --run, or both --bundle and --outcomes"),
        ([], 2, "either --run, or both --bundle and --outcomes"),
    ],
)
def test_the_command_says_what_it_found_or_why_not(
    frame, small_run, tmp_path, monkeypatch, capsys, arguments, code, said
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_run / "export" / "bundle", tmp_path / "bundle")
    frame.to_parquet(tmp_path / "rows.parquet")
    monkeypatch.setattr(sys, "argv", ["harbor", "evaluate", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    assert ended.value.code == code
    assert said in captured.out + captured.err


TWIN_OF = Twin(judged_seen_until=5 * DAY, shipped_seen_until=10 * DAY)


def scored(rng, *, worse=0.0, judged=True, timed=True):
    """Thirty days of rows, the refit's log odds off by `worse` and the twin's right."""
    time = np.sort(rng.integers(0, 30 * DAY, 6000))
    z = rng.normal(-2, 1, time.size)
    p, q = (1 / (1 + np.exp(-(z + shift))) for shift in (worse, 0.0))
    rows = JudgedRows((rng.random(time.size) < q).astype(float), time, np.ones(time.size))
    return Outcomes(rows, np.zeros(time.size, bool), None, p, q if judged else None, (), timed)


def test_a_refit_that_is_worse_than_its_twin_is_told_on_rows_that_neither_had_seen():
    found = refit_against_twin(scored(np.random.default_rng(1), worse=1.5), TWIN_OF)
    assert found["verdict"] == "worse"
    assert found["log_loss"]["low"] > 0
    assert found["log_loss"]["days"] == 20
    assert "it is worse: go back to the twin" in refit_lines({"refit": found})[0]


def test_a_refit_that_is_its_twin_is_neither_worse_nor_better():
    found = refit_against_twin(scored(np.random.default_rng(2)), TWIN_OF)
    assert (found["verdict"], found["log_loss"]["value"]) == ("open", 0)


@pytest.mark.parametrize(("lacking", "said"), [({"judged": False}, "no judged"), ({"timed": False}, "no event_time")])
def test_what_a_file_lacks_for_the_comparison_is_said(lacking, said):
    found = refit_against_twin(scored(np.random.default_rng(3), **lacking), TWIN_OF)
    assert said in refit_lines({"refit": found})[0]


def test_a_bundle_without_a_twin_has_no_such_line(frame, judged):
    report, _ = judged(frame)
    assert "refit" not in report
    assert refit_lines(report) == []


def shuffled(frame):
    return frame.assign(label=np.random.default_rng(1).permutation(frame["label"].to_numpy()))


def alarms(report):
    return {check["name"] for check in report["monitoring"]["checks"] if check["status"] == "refused"}


def test_the_rows_that_the_model_was_judged_on_are_no_alarm(frame, judged):
    report, _ = judged(frame)
    assert report["monitoring"]["reasons"] == []
    assert report["monitoring"]["numbers"]["largest_stability"] == pytest.approx(0.0, abs=0.01)


def test_a_column_that_fell_silent_is_named_and_half_of_the_labels_are_too_few(frame, judged):
    part = frame.assign(card_7d_amount_mean=np.float32("nan"))
    part["label"] = part["label"].astype("Int64").where(np.arange(len(part)) % 2 > 0)
    report, _ = judged(part)
    assert alarms(report) == {"labels", "inputs"}
    assert report["monitoring"]["columns"][0]["column"] == "card_7d_amount_mean"


def test_a_folder_of_days_is_judged_as_the_file_of_all_of_them(frame, judged, small_run, tmp_path):
    whole, _ = judged(frame)
    folder = tmp_path / "days"
    folder.mkdir()
    for day, rows in frame.groupby(frame["event_time"].dt.date):
        rows.to_parquet(folder / f"{day}.parquet")
    report = judge_outcomes(small_run / "export" / "bundle", folder, CONFIG).report
    assert report["metrics"] == whole["metrics"]
    assert report["population"] == whole["population"]
    assert sum(row["frauds"] for row in report["files"]) == whole["population"]["frauds"]
    assert len(report["files"]) == frame["event_time"].dt.date.nunique() > 7


def test_an_alarm_ends_with_3_and_says_so_in_fields_to_prometheus_and_to_the_webhook(
    frame, small_run, tmp_path, monkeypatch, capsys
):
    shuffled(frame).to_parquet(tmp_path / "week.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARBOR_LOG_FORMAT", "json")
    with receiver([500, 500, 200]) as got:
        monkeypatch.setenv("HARBOR_WEBHOOK", got.url)
        sets = ("evaluation.resamples=100", "evaluation.slice_resamples=100", "monitoring.prometheus=new/harbor.prom")
        told = [word for each in (*sets, "monitoring.min_frauds=5") for word in ("--set", each)]
        bundle = str(small_run / "export" / "bundle")
        monkeypatch.setattr(
            sys, "argv", ["harbor", "evaluate", "--bundle", bundle, "--outcomes", "week.parquet", *told]
        )
        with pytest.raises(SystemExit, match="3"):
            cli.main()
    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (record,) = [each for each in records if each["event"] == "outcomes"]
    assert (record["verdict"], record["report"], record["page"]) == ("alarm", "week.report.json", "week.report.html")
    assert any(reason.startswith("average precision is") for reason in record["reasons"])
    assert record["metrics"]["roc_auc"] == pytest.approx(0.5, abs=0.15)
    assert records[-1]["code"] == 3
    assert "no longer is what was shipped" in (tmp_path / "week.report.html").read_text()
    assert "} 0.0" in (tmp_path / "new" / "harbor.prom").read_text()
    assert [json.loads(body)["event"] for _, body in got.got] == ["monitoring_alarm"] * 3
