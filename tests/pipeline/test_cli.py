"""The command line as a caller meets it: output, exit codes, nothing half-written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import cli
from pipeline.storage.done import folder_checksums

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
