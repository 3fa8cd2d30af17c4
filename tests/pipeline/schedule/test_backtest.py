"""The backtest: what is shared equals what each date would have made itself."""

import csv

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.times import time_microseconds
from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages
from pipeline.runs.settings import RunSettings
from pipeline.schedule.backtest import BacktestDates, backtest
from pipeline.schedule.backtest_tables import MODELS, drift_lines, table_lines
from pipeline.schedule.shared_windows import Shared, cut_stages, cut_transactions, shared_stages, uncuttable
from pipeline.stages import STAGES
from pipeline.storage.content import read_json, read_table
from pipeline.storage.done import folder_checksums
from pipeline.tracking.journal import Journal
from tests.conftest import SMALL

SMALLER = (*SMALL, "split.train='40d'", "split.valid='14d'", "split.calib='14d'", "split.test='28d'")
DAY = 86_400_000_000


def config(*assignments):
    return load_config("smoke.toml", assignments=(*SMALLER, "tracking.enabled=false", *assignments), environment={})


def brought(run, as_of, stages):
    run_stages(run, RunSettings(config(), as_of), stages, force=None, reporter=SilentReporter())


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk") / "shared"
    brought(folder, None, shared_stages(STAGES))
    return Shared(folder)


@pytest.mark.parametrize("date", ["2024-06-11", "2024-06-25T07:30:00"])
def test_a_cut_is_bit_for_bit_what_a_run_as_of_that_date_makes(shared, tmp_path, date):
    moment = time_microseconds(date)
    brought(tmp_path / "cut", moment, cut_stages(STAGES, shared)[:2])
    brought(tmp_path / "direct", moment, STAGES[:2])
    for stage in ("ingest", "features"):
        assert folder_checksums(tmp_path / "cut" / stage) == folder_checksums(tmp_path / "direct" / stage)


def test_a_cut_forgets_later_rows_and_later_labels(shared):
    whole = read_table(shared.transactions)
    moment = time_microseconds("2024-05-01")
    cut = cut_transactions(whole, as_of=moment)
    assert pc.max(cut["event_time"].cast(pa.int64())).as_py() <= moment
    assert pc.max(cut["label_available_at"].cast(pa.int64())).as_py() <= moment
    assert cut["label"].null_count == cut["label_available_at"].null_count > 0
    assert cut["amount"].equals(whole["amount"].slice(0, cut.num_rows))


def test_rows_that_decide_on_one_another_cannot_be_cut():
    report = {"duplicates": {"identical": 0, "conflicting": 0}, "labels": {"masked": {}}}
    assert uncuttable(report) is None
    assert "4 rows were set aside" in uncuttable({**report, "duplicates": {"identical": 3, "conflicting": 1}})
    assert "5 labels were masked" in uncuttable({**report, "labels": {"masked": {"never labelled": 5}}})


def test_a_backtest_needs_dates(tmp_path):
    with pytest.raises(ValueError, match="at least 2 dates, got 1"):
        backtest("night", config(), BacktestDates(0, 5, 10), STAGES, runs=tmp_path, reporter=SilentReporter())


def test_a_date_with_too_little_data_before_it_is_named(tmp_path):
    dates = BacktestDates(time_microseconds("2024-02-01"), time_microseconds("2024-02-08"), 7 * DAY)
    with pytest.raises(ValueError, match=r"(?s)as of 2024-02-01T00:00:00Z: .*must reach back over all folds"):
        backtest("night", config(), dates, STAGES, runs=tmp_path, reporter=SilentReporter())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_backtest_of_two_dates_is_told_drawn_and_resumed_for_free(tmp_path):
    dates = BacktestDates(time_microseconds("2024-06-18"), time_microseconds("2024-06-25"), 7 * DAY)
    lenient = config("gate.ece_tolerance=10", "gate.observed_expected_low=0.01", "gate.observed_expected_high=99")
    folder, result = backtest("night", lenient, dates, STAGES, runs=tmp_path, reporter=SilentReporter())
    first, second = result["dates"]
    assert first["models"]["retrained"] == first["models"]["never retrained"] != first["models"]["baseline"]
    assert first["promoted"]
    assert read_json(folder / second["run"] / "champion" / "champion.json")["version"] == first["run"]
    never, again = (second["models"][name]["training_row_age_days"] for name in ("never retrained", "retrained"))
    assert never - again == pytest.approx(7, abs=0.5)
    rows = list(csv.DictReader((folder / "backtest.csv").open()))
    assert [row["model"] for row in rows] == [*MODELS, *MODELS]
    assert (folder / "backtest.png").read_bytes().startswith(b"\x89PNG")
    assert len({len(line) for line in table_lines(result)[2:]}) == 1
    assert [line[:10] for line in drift_lines(result)] == ["2024-06-18", "2024-06-25"]
    steps = [each.content["step"] for each in Journal(folder / "journal.jsonl").records() if each.kind == "metrics"]
    assert steps[::2] == [0, 1]
    checksums = folder_checksums(folder / second["run"])
    _, repeated = backtest("night", lenient, dates, STAGES, runs=tmp_path, reporter=SilentReporter())
    assert repeated == result
    own = {name: value for name, value in folder_checksums(folder / second["run"]).items() if "journal" not in name}
    assert own == {name: value for name, value in checksums.items() if "journal" not in name}
