"""The command line as a caller meets it: output, exit codes, nothing half-written."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import cli
from pipeline.config import load_config
from pipeline.runs.settings import RunSettings
from pipeline.storage.done import folder_checksums
from tests.fixtures.withdrawn_plugins import plugins_withdrawn

ROOT = Path(__file__).parent.parent.parent
README, SAMPLE = ROOT / "README.md", ROOT / "data" / "sample" / "transactions.csv"


@pytest.fixture
def harbor(monkeypatch, capsys, tmp_path):
    """Runs a command line in an empty folder; gives its exit code, its output and its errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARBOR_TRACKING__ENABLED", "false")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harbor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code), captured.out, captured.err

    return call


def test_the_command_line_loads_no_numeric_library_before_it_has_said_how_many_threads():
    code = "import sys, pipeline.cli; sys.exit(bool({'numpy', 'torch', 'pyarrow'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("verb", ["run", "retrain"])
def test_a_file_that_is_not_there_is_told_before_any_slow_library_loads_and_nothing_is_left(verb, tmp_path):
    words = ["harbor", verb, "--config", "smoke.toml", "--set", "data.source=gone.csv"]
    slow = {"mlflow", "torch", "xgboost", "scipy", "sklearn", "numba", "pandas", "matplotlib"}
    code = f"import sys; sys.argv = {words}\nfrom pipeline import cli\ntry:\n    cli.main()\n"
    code += f"except SystemExit as end:\n    print(end.code, sorted({slow} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "2 []"
    assert "gone.csv: does not exist" in told.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.suffix in (".json", ".db")] == []


def copied(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "run")


def test_a_plan_changes_nothing(harbor, tmp_path):
    code, out, _ = harbor("run", "--config", "smoke.toml", "--plan")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [
        ["run", name] for name in ("ingest", "features", "train", "calibrate", "evaluate", "refit", "export")
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--config", "none.toml"), "must be a TOML file or one of"),
        (("run", "--config", "smoke.toml", "--set", "train.epoch=3"), "unknown key; did you mean 'epochs'?"),
        (("run", "--config", "smoke.toml", "--set", "train.epochs=0"), "train.epochs"),
        (("run", "--config", "smoke.toml", "--as-of", "yesterday"), "a time must be ISO 8601"),
        (("run", "--config", "smoke.toml", "--force", "teach"), "--force must be one of ingest, features, train"),
        (("run", "--config", "smoke.toml", "--set", "data.source='gone.csv'"), "does not exist"),
        (("train", "--run", "nowhere"), "must be a run folder"),
        (("verify", "--bundle", "nowhere"), "nowhere"),
        (("simulate", "--rows", "3", "--out", "x.csv"), "rows must be at least 1,000"),
        (("simulate", "--rows", "2000", "--out", "x.xls"), "must end in .parquet or .csv"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(harbor, arguments, said):
    code, _, err = harbor(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_bad_input_leaves_the_earlier_state_intact(harbor, small_run, tmp_path):
    run = copied(small_run, tmp_path)
    before = folder_checksums(run / "ingest")
    code, _, err = harbor("ingest", "--run", run, "--set", "data.source='gone.csv'")
    assert (code, folder_checksums(run / "ingest")) == (2, before)
    assert "gone.csv: does not exist" in err


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        (["split.train='400d'"], "must reach back over all folds"),
        (["split.gap='1d'"], "gap"),
        (["split.test='1s'"], "test"),
    ],
)
def test_folds_that_the_data_cannot_fill_are_refused(harbor, small_run, tmp_path, assignments, said):
    run = copied(small_run, tmp_path)
    code, _, err = harbor("features", "--run", run, *(part for each in assignments for part in ("--set", each)))
    assert code == 2
    assert said in err


def test_a_finished_run_is_kept_and_a_refusal_is_exit_code_3(harbor, small_run, tmp_path):
    run = copied(small_run, tmp_path)
    code, out, _ = harbor("evaluate", "--run", run, "--set", "gate.min_frauds=100000")
    assert code == 0
    code, out, _ = harbor("export", "--run", run, "--set", "gate.min_frauds=100000")
    assert code == 0
    assert "refused" in out


def test_version_status_and_report_are_told_without_any_work(harbor, small_run, tmp_path):
    code, out, _ = harbor("--version")
    assert (code, out) == (0, f"harbor {version('harbor-fraud')}\n")
    code, out, _ = harbor("status")
    assert (code, out.splitlines()) == (
        0,
        ["champion  no version of harbor-fraud is in production", f"runs      none in {tmp_path / 'runs'}"],
    )
    shutil.copytree(small_run, tmp_path / "runs" / "mine")
    code, out, _ = harbor("status")
    assert re.search(r"^runs      mine .* (passed|refused) +hybrid AP ", out, flags=re.MULTILINE)
    code, out, _ = harbor("report")
    assert (code, out.strip()) == (0, str(tmp_path / "runs" / "mine" / "refit" / "report.html"))
    assert harbor("report", "yours")[0] == 2


@pytest.mark.parametrize(
    ("place", "uri", "told"),
    [
        ("runs/mine", "", "harbor ui"),
        ("mine", "", "harbor ui --set tracking.uri=sqlite:///{0}/mlflow.db"),
        ("mine", "http://mlflow.example", "harbor ui"),
    ],
)
def test_the_ui_that_is_told_shows_the_store_of_the_run(tmp_path, monkeypatch, place, uri, told):
    monkeypatch.chdir(tmp_path)
    config = load_config(None, assignments=[f"tracking.uri='{uri}'"], environment={})
    placed = cli._PlacedRun(Path(place), RunSettings(config, None))
    assert cli._ui_command(placed) == told.format(tmp_path.resolve())


def test_a_finished_run_tells_the_next_commands(harbor, small_run, tmp_path):
    run = copied(small_run, tmp_path)
    _, out, _ = harbor("export", "--run", run, "--set", "gate.min_frauds=100000")
    assert f"next    harbor report {run} --open" in out
    assert "harbor promote" not in out


def test_the_shell_is_told_how_to_complete_a_verb():
    asked = {"_HARBOR_COMPLETE": "complete_bash", "COMP_WORDS": "harbor retr", "COMP_CWORD": "1"}
    code = "from pipeline.cli import main; main()"
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['harbor']; {code}"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == ["retrain"]


def test_simulate_writes_the_same_rows_for_the_same_seed(harbor, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        assert harbor("simulate", "--rows", 2000, "--seed", 3, "--out", name, "--truth", f"truth-{name}")[0] == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pq.read_schema(tmp_path / "truth-a.parquet").names == ["transaction_id", "true_probability"]
    assert "true_probability" not in pq.read_schema(tmp_path / "a.parquet").names


def test_a_bundle_verifies_and_scores_without_its_run(harbor, small_run, tmp_path):
    bundle = shutil.copytree(small_run / "export" / "bundle", tmp_path / "elsewhere")
    code, out, _ = harbor("verify", "--bundle", bundle)
    assert code == 0, out
    features = pq.read_table(small_run / "features" / "features.parquet")
    test = features.filter(features["fold"].to_numpy(zero_copy_only=False) == "test")
    pq.write_table(test.drop_columns(["label", "fold"]), tmp_path / "rows.parquet")
    code, out, err = harbor(
        "score", "--bundle", bundle, "--input", tmp_path / "rows.parquet", "--out", "scored.parquet"
    )
    assert code == 0, err
    scored = pq.read_table(tmp_path / "scored.parquet").to_pandas().set_index("transaction_id")
    judged = pq.read_table(small_run / "evaluate" / "scores.parquet").to_pandas().set_index("transaction_id")
    assert (scored["probability"] - judged["hybrid"]).abs().max() < 1e-5
    assert (scored["logistic"] - judged["logistic"]).abs().max() < 1e-5


def test_a_changed_byte_is_refused(harbor, small_run, tmp_path):
    bundle = shutil.copytree(small_run / "export" / "bundle", tmp_path / "elsewhere")
    content = bytearray((bundle / "booster.ubj").read_bytes())
    content[100] ^= 1
    (bundle / "booster.ubj").write_bytes(bytes(content))
    code, _, err = harbor("verify", "--bundle", bundle)
    assert code == 2
    assert "booster.ubj" in err


def test_a_signed_bundle_needs_its_key(harbor, small_run, tmp_path, monkeypatch):
    run = copied(small_run, tmp_path)
    monkeypatch.setenv("HARBOR_BUNDLE_KEY", "a secret of the serving team")
    assert harbor("export", "--run", run, "--force")[0] == 0
    assert harbor("verify", "--bundle", run / "export" / "bundle")[0] == 0
    monkeypatch.setenv("HARBOR_BUNDLE_KEY", "another secret")
    code, _, err = harbor("verify", "--bundle", run / "export" / "bundle")
    assert code == 2
    assert "sign" in err


SNIPPET = re.compile(r"```python\n(# mymodule\.py\n.*?)```", re.DOTALL)
SETTINGS = re.compile(r"```toml\n(\[features\]\nplugins.*?)```", re.DOTALL)


@pytest.fixture
def page():
    """features/README.md; what its plugin leaves in this process goes."""
    with plugins_withdrawn():
        yield (Path(__file__).parents[2] / "features" / "README.md").read_text(encoding="utf-8")


def test_the_plugin_of_the_page_makes_its_column_and_runs_the_stage_again_when_it_changes(
    harbor, small_run, tmp_path, page
):
    run, module = copied(small_run, tmp_path), tmp_path / "settings" / "mymodule.py"
    module.parent.mkdir()
    module.write_text(SNIPPET.search(page)[1])
    kept = tomllib.loads(SETTINGS.search(page)[1])["features"]
    asked = [f"features.plugins={kept['plugins']}", f"features.aggregates.card={kept['aggregates']['card']}"]
    (module.parent / "own.toml").write_text(SETTINGS.search(page)[1])
    options = ["--run", run, *(part for each in asked for part in ("--set", each))]
    code, _, err = harbor("features", *options)
    assert (code, "there is no module 'mymodule'" in err) == (2, True)
    shutil.copy(module, tmp_path)
    code, out, err = harbor("features", *options)
    assert code == 0, err
    columns = {each["name"]: each for each in json.loads((run / "features" / "spec.json").read_text())["columns"]}
    ranges = columns["card_30d_amount_range"]
    assert (ranges["plugin"], "plugin" in columns["card_7d_count"]) == ("mymodule", False)
    assert ranges["definition"].startswith("largest minus smallest amount of")
    table = pq.read_table(run / "features" / "features.parquet", columns=["card_30d_amount_range"]).to_pandas()
    assert table["card_30d_amount_range"].max() > 0
    (tmp_path / "mymodule.py").write_text(SNIPPET.search(page)[1] + "\n# changed\n")
    code, out, _ = harbor("features", *options)
    assert code == 0
    done = json.loads((run / "features" / "DONE").read_text())
    assert done["reason"] == "changed: input plugin mymodule"
    assert "✓ features" in out


def test_an_aggregate_that_nobody_knows_is_told_with_the_key_of_plugins(harbor):
    wrong = ("--set", "features.aggregates.card=['amount_rnge_x']")
    code, _, err = harbor("run", "--config", "smoke.toml", "--plan", *wrong)
    assert code == 2
    assert "one of your own comes from a module that features.plugins names" in err


def test_a_report_is_shown_by_the_systems_browser_where_that_is_asked_for(tmp_path):
    page, browser = tmp_path / "runs" / "mine" / "refit" / "report.html", tmp_path / "browser"
    page.parent.mkdir(parents=True)
    page.touch()
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/shown\n')
    browser.chmod(0o755)
    code = "import sys; sys.argv = ['harbor', 'report', 'mine', '--open']\nfrom pipeline.cli import main; main()"
    environment = os.environ | {"BROWSER": f"{browser} %s", "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(page)
    assert (tmp_path / "shown").read_text() == page.as_uri()


def test_init_check_and_plan_lead_from_a_file_to_a_run(harbor, tmp_path):
    shutil.copy(SAMPLE, tmp_path / "tx.csv")
    code, out, _ = harbor("init", "tx.csv")
    assert code == 0
    assert "harbor check --config tx.toml" in out
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["tx.csv", "tx.toml"]
    code, out, _ = harbor("check", "--config", "tx.toml")
    assert code == 0
    assert "8,000 accepted, 0 set aside" in out
    code, out, _ = harbor("run", "--config", "tx.toml", "--plan")
    assert code == 0
    assert "of rows from 2024-01-01" in out
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["tx.csv", "tx.toml"]


def test_init_writes_over_nothing(harbor, tmp_path):
    shutil.copy(SAMPLE, tmp_path / "tx.csv")
    (tmp_path / "tx.toml").write_text("mine")
    code, _, err = harbor("init", "tx.csv", "--yes")
    assert code == 2
    assert "tx.toml: is there already" in err
    assert (tmp_path / "tx.toml").read_text() == "mine"
    assert harbor("init", "tx.csv", "--force")[0] == 0


@pytest.mark.parametrize("arguments", [("check",), ("run", "--plan"), ("run",)])
def test_a_layout_that_cannot_fit_ends_with_two_before_anything_is_trained(harbor, tmp_path, arguments):
    shutil.copy(SAMPLE, tmp_path / "tx.csv")
    code, _, err = harbor(
        *arguments, "--config", "smoke.toml", "--set", "data.source=tx.csv", "--set", "split.train=300d"
    )
    assert code == 2
    assert "must reach back over all folds and gaps" in err
    assert ("harbor check" if "--plan" in arguments else "[split]") in err


@pytest.mark.parametrize(
    "arguments", [("init",), ("check", "--config", "smoke.toml"), ("run", "--config", "smoke.toml")]
)
def test_a_wrong_file_name_waits_for_no_heavy_library(tmp_path, arguments):
    named = ["gone.csv"] if arguments == ("init",) else ["--set", "data.source=gone.csv"]
    code = (
        "import sys; from pipeline import cli\n"
        f"sys.argv = {['harbor', *arguments, *named]!r}\n"
        "try: cli.main()\n"
        "except SystemExit as ended: code = ended.code\n"
        "heavy = {'torch', 'mlflow', 'pandas', 'numba', 'scipy', 'sklearn', 'xgboost'} & {*sys.modules}\n"
        "sys.exit(repr((int(code), heavy)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "gone.csv: does not exist" in ended.stderr
    assert ended.stderr.splitlines()[-1] == "(2, set())"


def test_the_walk_through_of_the_readme_says_what_happens(harbor, tmp_path):
    shown = README.read_text(encoding="utf-8").partition("```console\n")[2].partition("```")[0]
    (tmp_path / "data" / "sample").mkdir(parents=True)
    shutil.copy(SAMPLE, tmp_path / "data" / "sample")
    for block in shown.split("$ harbor ")[1:3]:
        command, *expected = block.splitlines()
        code, out, _ = harbor(*command.split())
        assert code == 0
        assert [line for line in expected if line.strip() != "..." and line not in out.splitlines()] == []
