"""Exit codes tell what Harbor refused from what broke: a scheduler drops the one and tries the other again."""

import io
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation.errors import InputError as EvaluationInputError
from features.errors import InputError as FeaturesInputError
from models.errors import InputError as ModelsInputError
from pipeline import cli
from pipeline.process.exits import Ending, Exit, ending_of, place_of, run_command
from pipeline.storage.content import read_json, write_json
from pipeline.storage.errors import INPUT_ERRORS, InputError
from pipeline.storage.locks import LockedError
from pipeline.storage.store_errors import StoreError

SECRET = "4111111111111111"
"""A card number in a spoilt file: no message may repeat it."""

FAULTS = {
    "a value": lambda: int("many"),
    "lists of two lengths": lambda: list(zip([1], [1, 2], strict=True)),
    "arrow": lambda: pa.array(["x"]).cast(pa.int64()),
    "linear algebra": lambda: np.linalg.inv(np.zeros((2, 2))),
    "shapes": lambda: np.zeros(2) + np.zeros(3),
    "bytes": lambda: b"\xff".decode(),
    "a key": lambda: {}["gone"],
    "a file": lambda: Path("gone").read_bytes(),
}


@pytest.fixture
def ending(monkeypatch, tmp_path):
    """Runs a command line in an empty folder; gives how it ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARBOR_TRACKING__ENABLED", "false")

    def call(*arguments) -> Ending:
        return ending_of(lambda: cli.app(args=[str(each) for each in arguments], standalone_mode=False))

    return call


@pytest.fixture
def run(small_run, tmp_path) -> Path:
    return shutil.copytree(small_run, tmp_path / "run")


@pytest.fixture
def bundle(small_run) -> Path:
    return small_run / "export" / "bundle"


@pytest.fixture
def rows(small_run, tmp_path) -> Path:
    table = pq.read_table(small_run / "features" / "features.parquet").slice(0, 50)
    pq.write_table(table, tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def refused(found: Ending, *said: str) -> bool:
    """One message that names what it is about, no class of an error in it, and no value of a row."""
    assert isinstance(found.error, INPUT_ERRORS), repr(found.error)
    assert all(each in found.message for each in said), found.message
    assert SECRET not in found.message
    assert "Error" not in found.message
    return found.code == Exit.BAD_INPUT


def spoilt(path: Path, how: str) -> Path:
    """The path, with what a caller may have left there."""
    path.unlink(missing_ok=True)
    if how == "a folder":
        path.mkdir()
    elif how == "cut short":
        pq.write_table(pa.table({"amount": np.arange(9999.0)}), path)
        path.write_bytes(path.read_bytes()[:-100])
    elif how != "missing":
        path.write_bytes({"empty": b"", "no UTF-8": b"a,b\n\xff\xfe,1\n", "no such thing": b"{" + SECRET.encode()}[how])
    return path


SPOILT = ("missing", "a folder", "empty", "no UTF-8", "no such thing")


@pytest.mark.parametrize("error", INPUT_ERRORS)
def test_what_any_folder_refuses_is_bad_input(error):
    def refuse():
        raise error("x must be y")

    assert refused(ending_of(refuse), "x must be y")


def test_each_folder_has_a_class_of_its_own():
    assert {InputError, FeaturesInputError, ModelsInputError, EvaluationInputError} == {*INPUT_ERRORS}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_inside_a_stage_is_no_bad_input_and_tells_its_class_and_place(ending, run, monkeypatch, name):
    monkeypatch.setattr("pipeline.stages.features.make_features.read_table", lambda *_, **__: FAULTS[name]())
    found = ending("features", "--run", run, "--force")
    assert found.code == Exit.FAILED
    place = rf"{type(found.error).__name__}: .+ \(pipeline/stages/features/make_features\.py:\d+\)"
    assert re.fullmatch(place, found.message, flags=re.DOTALL), found.message
    assert str(found.error) in found.message


def test_the_place_of_a_fault_is_the_innermost_line_of_ours():
    with pytest.raises(TypeError, match="not JSON serializable") as caught:
        write_json(Path("x"), {"a": object()})
    assert re.fullmatch(r"pipeline/storage/content\.py:\d+", place_of(caught.value) or "")


def test_a_fault_outside_the_code_of_ours_has_no_place():
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("many")
    assert place_of(caught.value) is None
    assert ending_of(FAULTS["a value"]).message == "ValueError: invalid literal for int() with base 10: 'many'"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (StoreError("the store failed"), Exit.FAILED, "the store failed"),
        (LockedError("another job"), Exit.LOCKED, "another job"),
        (PermissionError(13, "Permission denied"), Exit.FAILED, "PermissionError: [Errno 13] Permission denied"),
        (KeyboardInterrupt(), Exit.FAILED, "interrupted; run the same command again to go on"),
    ],
)
def test_other_errors_keep_their_codes(error, code, message):
    def fail():
        raise error

    assert ending_of(fail) == Ending(code, message, error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--config", "smoke.toml", "--set", "train"), "section.key=value"),
        (("run", "--config", "smoke.toml", "--set", "data.source.x=1"), "is a value, not a section"),
        (("run", "--config", "smoke.toml", "--set", "data.source=''"), "must be a path"),
        (("run", "--config", "smoke.toml", "--set", "data.preset='none'"), "preset"),
        (("run", "--config", "smoke.toml", "--as-of", "0001-01-01T00:00+12:00"), "ISO 8601"),
        (("run", "--config", "smoke.toml", "--run", "s3://bucket"), "--run must name a folder"),
        (("run", "--config", "smoke.toml", "--run", "ftp://bucket/name"), "must be a path, or an address"),
        (("evaluate",), "evaluate needs either --run"),
        (("retrain", "--config", "gone"), "must be a TOML file"),
        (("backtest", "--config", "smoke", "--from", "2024-01-01", "--to", "2024-01-02"), "at least"),
        (("backtest", "--config", "smoke", "--from", "2024-01-01", "--to", "2024-03-01", "--every", "x"), "'7d'"),
        (("promote", "--run", "gone"), "must be a run folder"),
        (("sync", "--run", "gone"), "must be a run folder"),
        (("rollback",), "tracking.enabled"),
        (("verify", "--bundle", "gone"), "gone"),
        (("verify", "--bundle", "file://[x/y"), "file://[x/y"),
        (("simulate", "--rows", "2000", "--out", "x.csv", "--seed", "-1"), "seed"),
        (("simulate", "--rows", "2000", "--out", "x.csv", "--scenario", "calm"), "scenario"),
    ],
    ids=" ".join,
)
def test_what_the_command_line_asks_for_must_be_there(ending, arguments, said):
    assert refused(ending(*arguments), said)


def test_an_unknown_option_is_bad_input(ending):
    assert ending("run", "--colour", "blue").code == Exit.BAD_INPUT


@pytest.mark.parametrize("how", [each for each in SPOILT if each != "empty"])  # an empty one is the default
def test_a_configuration_that_cannot_be_read_is_refused(ending, tmp_path, how):
    path = spoilt(tmp_path / "own.toml", how)
    assert refused(ending("run", "--config", path, "--plan"), "own.toml")


@pytest.mark.parametrize("how", SPOILT)
def test_a_preset_that_cannot_be_read_is_refused(ending, tmp_path, how):
    path = spoilt(tmp_path / "own.toml", how)
    settings = ("--set", f"data.preset='{path}'", "--set", "data.source='x.csv'")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert refused(ending("run", "--config", "smoke.toml", *settings), "own.toml")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("how", [*SPOILT, "cut short"])
def test_a_source_that_cannot_be_read_is_refused(ending, tmp_path, how, suffix):
    path = spoilt(tmp_path / f"raw{suffix}", how)
    assert refused(ending("run", "--config", "smoke.toml", "--set", f"data.source='{path}'"), "raw")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".txt"])
@pytest.mark.parametrize("how", [*SPOILT, "cut short"])
def test_feature_rows_that_cannot_be_read_are_refused(ending, bundle, tmp_path, how, suffix):
    path = spoilt(tmp_path / f"rows{suffix}", how)
    assert refused(ending("score", "--bundle", bundle, "--input", path, "--out", "x.csv"), "rows")
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".txt"])
@pytest.mark.parametrize("how", [*SPOILT, "cut short"])
def test_outcomes_that_cannot_be_read_are_refused(ending, bundle, tmp_path, how, suffix):
    path = spoilt(tmp_path / f"rows{suffix}", how)
    assert refused(ending("evaluate", "--bundle", bundle, "--outcomes", path), "rows")


@pytest.mark.parametrize(
    "content",
    [
        b'{\n"label": 1\n}\n',
        b"[1]\n",
        b'{"label": 1}\n{"label": \n',
        b'{"label": "' + SECRET.encode() + b'"}\n',
        b"\xff\n",
    ],
    ids=["over several lines", "no object", "a torn line", "a label of text", "no UTF-8"],
)
@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_json_lines_that_are_none_are_refused(ending, bundle, tmp_path, command, content):
    (tmp_path / "rows.jsonl").write_bytes(content)
    places = {"evaluate": ("--outcomes", "rows.jsonl"), "score": ("--input", "rows.jsonl", "--out", "x.csv")}
    assert refused(ending(command, "--bundle", bundle, *places[command]), "rows.jsonl")


def test_a_value_of_the_wrong_type_is_refused_without_being_repeated(ending, bundle, rows, tmp_path):
    table = pq.read_table(rows)
    name = next(each.name for each in table.schema if pa.types.is_floating(each.type) and each.name != "label_weight")
    wrong = table.set_column(table.schema.get_field_index(name), name, pa.array([SECRET + "x"] * len(table)))
    pq.write_table(wrong, tmp_path / "rows.parquet")
    wrong.to_pandas().to_csv(tmp_path / "rows.csv", index=False)
    wrong.select([name]).to_pandas().to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    for suffix in ("parquet", "csv", "jsonl"):
        assert refused(ending("score", "--bundle", bundle, "--input", f"rows.{suffix}", "--out", "x.csv"), "rows")


@pytest.mark.parametrize("line", [f"1,{SECRET}x", f"1,2,{SECRET}", f'1,"{SECRET}'])
def test_lines_that_are_no_rows_are_refused_without_being_repeated(ending, bundle, tmp_path, line):
    (tmp_path / "rows.csv").write_text(f"label,amount\n1,2\n{line}\n")
    assert refused(ending("evaluate", "--bundle", bundle, "--outcomes", "rows.csv"), "rows.csv")
    assert refused(ending("score", "--bundle", bundle, "--input", "rows.csv", "--out", "x.csv"), "rows.csv")


@pytest.mark.parametrize("out", ["folder.csv", "file/x.csv", "x.txt"])
def test_what_is_written_needs_a_place_for_a_file(ending, bundle, rows, tmp_path, out):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    assert refused(ending("score", "--bundle", bundle, "--input", rows, "--out", out), out.split("/")[0])
    assert refused(ending("simulate", "--rows", "2000", "--out", out), out.split("/")[0])
    if out != "x.txt":
        assert refused(ending("simulate", "--rows", "2000", "--out", "x.csv", "--truth", out), out.split("/")[0])


@pytest.mark.parametrize("how", [*SPOILT, "cut short"])
@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "signature.json", "golden.jsonl"])
def test_a_bundle_that_cannot_be_read_is_refused(ending, bundle, rows, tmp_path, name, how):
    copied = shutil.copytree(bundle, tmp_path / "bundle")
    spoilt(copied / name, how)
    assert refused(ending("verify", "--bundle", copied), name)
    assert refused(ending("score", "--bundle", copied, "--input", rows, "--out", "x.csv"), name)
    assert refused(ending("evaluate", "--bundle", copied, "--outcomes", rows), name)


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"config": {}, "as_of": "x"}', '{"config": 1, "as_of": null}'])
@pytest.mark.parametrize("command", ["ingest", "train", "evaluate", "promote", "sync"])
def test_a_run_whose_settings_cannot_be_read_is_refused(ending, tmp_path, command, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(content)
    assert refused(ending(command, "--run", "run"), "config.json")


@pytest.mark.parametrize("how", [*SPOILT, "cut short"])
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("features", "ingest/transactions.parquet"),
        ("train", "features/features.parquet"),
        ("train", "features/encoder.json"),
        ("calibrate", "train/network.safetensors"),
        ("calibrate", "train/booster.ubj"),
        ("calibrate", "train/sweep.json"),
        ("evaluate", "calibrate/calibrators.json"),
        ("export", "evaluate/report.json"),
        ("export", "features/spec.json"),
    ],
)
def test_a_stage_refuses_what_it_reads_where_it_was_spoilt(ending, run, command, name, how):
    spoilt(run / name, how)
    assert refused(ending(command, "--run", run, "--force"), name)


def test_a_run_of_all_stages_makes_a_spoilt_file_again(ending, run):
    spoilt(run / "ingest" / "report.json", "cut short")
    assert ending("ingest", "--run", run).code == Exit.DONE
    assert read_json(run / "ingest" / "report.json")["accepted"] == 24_000


@pytest.mark.parametrize("command", ["run", "train", "promote", "sync"])
def test_a_file_is_no_run_folder(ending, tmp_path, command):
    (tmp_path / "file").write_text("")
    config = ("--config", "smoke.toml") if command == "run" else ()
    assert refused(ending(command, "--run", "file", *config), "file")
    assert refused(ending(command, "--run", "file/below", *config), "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_may_not_be_read_are_refused(ending, bundle, rows, tmp_path):
    rows.chmod(0)
    (tmp_path / "own.toml").touch(mode=0)
    assert refused(ending("score", "--bundle", bundle, "--input", rows, "--out", "x.csv"), "rows.parquet")
    assert refused(ending("evaluate", "--bundle", bundle, "--outcomes", rows), "rows.parquet")
    assert refused(ending("run", "--config", "smoke.toml", "--set", f"data.source='{rows}'"), "rows.parquet")
    assert refused(ending("run", "--config", "own.toml"), "own.toml")


def test_a_log_format_that_is_none_is_refused(ending, monkeypatch):
    monkeypatch.setenv("HARBOR_LOG_FORMAT", "xml")
    assert refused(ending("run", "--config", "smoke.toml"), "HARBOR_LOG_FORMAT")


@pytest.mark.parametrize("terminal", [True, False])
def test_an_interrupt_is_told_on_a_line_of_its_own_where_a_terminal_has_echoed_the_key(monkeypatch, terminal):
    def interrupted():
        raise KeyboardInterrupt

    screen = io.StringIO()
    screen.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", screen)
    assert run_command(interrupted) == Exit.FAILED
    assert screen.getvalue() == "\n" * terminal + "harbor: interrupted; run the same command again to go on\n"
