"""The backtest: what each past date would have shipped, told as a table and drawn."""

import csv

import pytest

from features.times import time_microseconds
from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.schedule.backtest import BacktestDates, backtest
from pipeline.schedule.backtest_tables import MODELS, drift_lines, table_lines
from pipeline.stages import STAGES
from pipeline.storage.content import read_json
from pipeline.storage.done import folder_checksums
from pipeline.tracking.journal import Journal
from tests.conftest import SMALL

SMALLER = (*SMALL, "split.train='40d'", "split.valid='14d'", "split.calib='14d'", "split.test='28d'")
DAY = 86_400_000_000


def config(*assignments):
    return load_config("smoke.toml", assignments=(*SMALLER, "tracking.enabled=false", *assignments), environment={})


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
