import json
import re
import shutil
from importlib import resources

import pyarrow.parquet as pq
import pytest

from features.simulate.simulated import simulate_transactions
from pipeline.online.commands import load_plugins_of
from pipeline.online.raw_features import raw_features
from pipeline.runs.settings import read_settings
from pipeline.state.state_files import checked_state
from tests.fixtures.equal_tables import assert_equal_columns, by_id
from tests.fixtures.online_logs import SPEC, Arrival
from tests.fixtures.random_tables import transaction
from tests.fixtures.served_logs import served_events, start_of, written
from tests.fixtures.withdrawn_plugins import plugins_withdrawn

ROWS = [transaction(second, "a", 1, 100, None, 0) for second in (0, 10, 7)]


@pytest.fixture
def log(tmp_path):
    start_of(tmp_path / "log")
    return written(tmp_path / "log", served_events(ROWS, [Arrival(row) for row in range(3)]))


def wrong(events):
    events[1].answers[0] += 1
    return events


def test_raw_rows_are_scored_from_the_state_of_a_run(harbor, small_run, tmp_path):
    code, said = harbor("state", "build", "--run", small_run, "--until", "2024-05-20", "--out", tmp_path / "state")
    assert code == 0, said
    data = read_settings(small_run).config.data
    pq.write_table(simulate_transactions(data.rows, seed=data.seed).transactions, tmp_path / "raw.parquet")
    given = (
        "--state",
        tmp_path / "state",
        "--transactions",
        tmp_path / "raw.parquet",
        "--out",
        tmp_path / "out.parquet",
    )
    code, said = harbor("score", "--bundle", small_run / "export" / "bundle", *given, "--state-out", tmp_path / "next")
    assert code == 0, said
    counted = json.loads((tmp_path / "state" / "manifest.json").read_text())["rows"]
    assert re.search(rf"! {counted:,} rows were in the state already", said)
    assert pq.read_table(tmp_path / "out.parquet").num_rows == data.rows - counted
    code, said = harbor("state", "digest", "--state", tmp_path / "next")
    assert (code, said.split()[0]) == (0, json.loads((tmp_path / "next" / "manifest.json").read_text())["digest"])


@pytest.mark.parametrize("given", [("--state", "s"), ("--transactions", "f"), ("--input", "f", "--state", "s"), ()])
def test_score_takes_feature_rows_or_raw_ones_with_their_state(harbor, given):
    code, said = harbor("score", "--bundle", "b", "--out", "o.parquet", *given)
    assert code == 2
    assert "score needs either --input, or both --state and --transactions" in said


def test_a_log_gives_features_a_skew_and_the_state_behind_it(harbor, log, tmp_path):
    code, said = harbor("state", "features", "--log", log, "--out", tmp_path / "features.parquet")
    assert (code, "3 rows, 1 of them late" in said) == (0, True)
    assert pq.read_table(tmp_path / "features.parquet").column_names == ["transaction_id", "event_time", *SPEC.names]
    code, said = harbor("skew", "--log", log, "--out", tmp_path / "skew.parquet")
    assert code == 0, said
    assert "a row that came late, first event 2 of the log" in said
    code, said = harbor("state", "compact", "--log", log, "--out", tmp_path / "after")
    assert (code, "3 events, 3 rows up to" in said) == (0, True)


def test_answers_that_no_event_explains_end_with_3(harbor, tmp_path):
    start_of(tmp_path / "log")
    log = written(tmp_path / "log", wrong(served_events(ROWS, [Arrival(row) for row in range(3)])))
    code, said = harbor("skew", "--log", log)
    assert (code, "unexplained, first row 1 of the log" in said) == (3, True)
    code, said = harbor("state", "features", "--log", log, "--out", tmp_path / "features.parquet")
    assert (code, "1 values are not what the log says" in said) == (3, True)


def test_a_state_of_a_run_that_has_not_finished_is_refused(harbor, small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    (run / "features" / "DONE").unlink()
    code, said = harbor("state", "build", "--run", run, "--out", tmp_path / "state")
    assert (code, "must have finished features before a state of it can be made" in said) == (2, True)
    assert not (tmp_path / "state").exists()


PLUGIN = """
from features.windows.aggregates import AGGREGATES, Aggregate

AGGREGATES["amount_reach"] = Aggregate(
    lambda chunk, window: chunk.extremes(window, largest=True) - chunk.extremes(window, largest=False),
    "largest minus smallest amount of {rows}",
    of="amount",
    money=True,
)
"""
SETTINGS = """
[features]
plugins = ["own_reach"]

[features.aggregates]
card = ["count", "7d_amount_reach"]
"""


@pytest.fixture
def settings(tmp_path):
    """The settings of the small run, and columns of a plugin that lies beside them."""
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "own_reach.py").write_text(PLUGIN)
    small = (resources.files("pipeline") / "configs" / "smoke.toml").read_text(encoding="utf-8")
    (folder / "own.toml").write_text(small + SETTINGS)
    return folder / "own.toml"


def test_columns_of_a_plugin_beside_the_configuration_are_answered_from_a_state(
    harbor, small_run, raw, tmp_path, settings
):
    run, state = shutil.copytree(small_run, tmp_path / "run"), tmp_path / "state"
    rows = int(read_settings(small_run).config.data.rows)
    with plugins_withdrawn():
        code, said = harbor("features", "--run", run, "--config", settings, "--set", f"data.rows={rows}")
        assert code == 0, said
    with plugins_withdrawn():
        built = ("state", "build", "--run", run, "--until", "2024-06-20", "--out", state)
        code, said = harbor(*built)
        assert (code, "there is no module 'own_reach'" in said) == (2, True)
        code, said = harbor(*built, "--config", settings)
        assert code == 0, said
    with plugins_withdrawn():
        code, said = harbor("state", "digest", "--state", state)
        assert (code, "'own_reach', which features.plugins of the configuration must name" in said) == (2, True)
        load_plugins_of(str(settings))
        found = raw_features(checked_state(state), [str(raw)])
    names = ["card_7d_amount_reach", "card_7d_count"]
    ours = found.features.append_column("transaction_id", found.rows["transaction_id"])
    whole = pq.read_table(run / "features" / "features.parquet", columns=["transaction_id", *names])
    behind = whole.slice(whole.num_rows - ours.num_rows)
    assert ours["card_7d_amount_reach"].null_count < ours.num_rows > 1000
    assert_equal_columns(by_id(ours), by_id(behind), ["transaction_id", *names])


def test_what_is_no_log_is_refused(harbor, tmp_path):
    code, said = harbor("skew", "--log", tmp_path)
    assert code == 2
    assert "manifest.json must be a plain file" in said


@pytest.mark.parametrize("command", [("build", "--run", "gone"), ("compact", "--log", "gone")])
def test_nothing_but_a_state_is_written_over(harbor, tmp_path, command):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    for target in (mine, mine / "thesis.txt"):
        code, said = harbor("state", *command, "--out", target)
        assert (code, "must be written to a new folder or in the place of a state" in said) == (2, True)
    assert (mine / "thesis.txt").read_text() == "years"


def test_raw_rows_are_not_written_over_by_their_scores(harbor, tmp_path):
    (tmp_path / "raw.csv").write_text("event_time\n")
    given = ("--state", "s", "--transactions", tmp_path / "raw.csv", "--out", tmp_path / "raw.csv")
    code, said = harbor("score", "--bundle", "b", *given)
    assert (code, "--out must be another file than those of --transactions" in said) == (2, True)
    assert (tmp_path / "raw.csv").read_text() == "event_time\n"
