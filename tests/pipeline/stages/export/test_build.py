"""What a bundle is made of, and what can be done with it alone."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from pipeline.bundle.manifest import OPTIONAL, REQUIRED, signing_key
from pipeline.bundle.score import score_file
from pipeline.bundle.verify import verify_bundle
from pipeline.sections import ExportConfig
from pipeline.stages.export.build import BundleContents, build_bundle
from tests.oracles.python_path import Small, small
from tests.oracles.served_model import load_serving_model

KEY = b"a key of the release team"
RECORD = {
    "run": "r",
    "smoothing": 0.1,
    "class_weight": "none",
    "threshold": 0.2,
    "seen_until": 1,
    "gate": {"passed": True},
}


def contents(case: Small, **changed: object) -> BundleContents:
    values: dict[str, object] = {
        "parts": case.parts,
        "encoder": case.encoder.to_dict(),
        "features": "{}",
        "rows": case.table,
        "expected": case.expected(),
        "optional": frozenset({"number_0", "category_1"}),
        "thresholds": {"points": {}},
        "model_card": "# Card\n",
        "record": RECORD,
    }
    return BundleContents(**(values | changed))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def case() -> Small:
    return small()


@pytest.fixture(scope="module")
def bundle(case: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "bundle"
    build_bundle(folder, contents(case), config=ExportConfig())
    return folder


def golden(bundle: Path) -> list[dict]:
    return [json.loads(line) for line in (bundle / "golden.jsonl").read_text().splitlines()]


def test_a_bundle_verifies_and_says_so(bundle: Path) -> None:
    outcome = verify_bundle(bundle)
    assert outcome.rows == 64
    assert outcome.difference < 1e-6
    assert "64 golden rows of 'hybrid'" in outcome.summary


def test_the_manifest_lists_every_file_and_the_record(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    present = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == present - {"manifest.json"} == REQUIRED
    assert {name: manifest[name] for name in RECORD} == RECORD
    assert manifest["parity"]["rows"] == 1500


def test_the_same_contents_give_the_same_bytes_at_another_place(case: Small, bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "a folder of another length" / "b"
    build_bundle(other, contents(small()), config=ExportConfig())
    for path in (path for path in bundle.rglob("*") if path.is_file()):
        assert path.read_bytes() == (other / path.relative_to(bundle)).read_bytes(), path.name


def test_no_file_holds_a_path_of_this_machine_or_a_pickle(bundle: Path) -> None:
    for path in (path for path in bundle.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert path.suffix not in {".pkl", ".pickle", ".pt", ".joblib"}
        for text in (str(bundle.parent), str(Path.cwd()), str(Path.home()), "/tmp/", "file://"):
            assert text.encode() not in content, (path.name, text)


def test_golden_rows_name_the_inputs_of_the_graph_and_replay_with_onnxruntime_alone(bundle: Path) -> None:
    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"), providers=["CPUExecutionProvider"])
    kinds = {each.name: each.type for each in session.get_inputs()}
    rows = golden(bundle)
    assert len(rows) >= 50
    for row in rows:
        assert set(row["inputs"]) == set(kinds)
        feed = {
            name: np.array([[value]], dtype=object)
            if kinds[name] == "tensor(string)"
            else np.array([[np.nan if value is None else value]], dtype=np.float32)
            for name, value in row["inputs"].items()
        }
        assert session.run(["probability"], feed)[0].item() == pytest.approx(row["probability"], abs=1e-6)


def test_golden_rows_span_the_probabilities_and_hold_missing_values(bundle: Path, case: Small) -> None:
    rows, expected = golden(bundle), case.expected()["hybrid"]
    probabilities = [row["probability"] for row in rows]
    assert min(probabilities) == pytest.approx(expected.min(), abs=1e-6)
    assert max(probabilities) == pytest.approx(expected.max(), abs=1e-6)
    values = [value for row in rows for value in row["inputs"].values()]
    assert None in values
    assert "" in values


@pytest.mark.parametrize("kind", [".parquet", ".csv", ".jsonl"])
def test_a_file_of_features_scores_as_the_python_path_does(
    case: Small, bundle: Path, tmp_path: Path, kind: str
) -> None:
    table = case.table.drop_columns(["label"])
    source = tmp_path / f"rows{kind}"
    if kind == ".parquet":
        pq.write_table(table, source)
    elif kind == ".csv":
        empty_for_nan = {name: pa.array(table[name].to_numpy(), from_pandas=True) for name in case.parts.numeric}
        pacsv.write_csv(pa.table({name: empty_for_nan.get(name, table[name]) for name in table.column_names}), source)
    else:
        rows = [
            {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
            for row in table.to_pylist()
        ]
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "scores.parquet"
    assert score_file(bundle, source, out) == 1500
    scores = pq.read_table(out)
    assert scores.column_names == ["transaction_id", "probability", *case.parts.candidates]
    assert [str(each) for each in scores["transaction_id"].to_pylist()] == [str(i) for i in range(1500)]
    for name, expected in case.expected().items():
        np.testing.assert_allclose(scores[name].to_numpy(), expected, atol=1e-5)


def test_scores_can_be_csv(case: Small, bundle: Path, tmp_path: Path) -> None:
    pq.write_table(case.table.slice(0, 3), tmp_path / "rows.parquet")
    score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.csv")
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert lines[0].startswith('"transaction_id","probability"')
    assert len(lines) == 4


def test_no_rows_give_no_scores_under_the_same_columns(case: Small, bundle: Path, tmp_path: Path) -> None:
    pq.write_table(case.table.slice(0, 0), tmp_path / "rows.parquet")
    assert score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.parquet") == 0
    assert pq.read_table(tmp_path / "scores.parquet").column_names[:2] == ["transaction_id", "probability"]


def test_wrong_columns_are_refused_at_once_and_nothing_is_written(case: Small, bundle: Path, tmp_path: Path) -> None:
    pq.write_table(case.table.drop_columns(["number_2", "category_0"]), tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match=r"2 of the graph's 8 columns missing in .*'number_2', 'category_0'"):
        score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.parquet")
    assert not (tmp_path / "scores.parquet").exists()


def test_columns_of_the_wrong_type_are_refused_without_their_values(case: Small, bundle: Path, tmp_path: Path) -> None:
    table = case.table.slice(0, 2)
    place = table.schema.get_field_index("number_1")
    table = table.set_column(place, "number_1", pa.array(["secret", "1"]))
    table = table.set_column(table.schema.get_field_index("number_3"), "number_3", pa.array([1.0, np.inf]))
    pq.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(
        ValueError, match=r"(?s)2 faults.*'number_1': must be numbers, got string.*'number_3': must be finite"
    ) as caught:
        score_file(bundle, tmp_path / "rows.parquet", tmp_path / "scores.parquet")
    assert "secret" not in str(caught.value)


def test_a_csv_whose_numbers_are_words_is_refused(case: Small, bundle: Path, tmp_path: Path) -> None:
    names = [*case.parts.numeric, *case.parts.categorical]
    (tmp_path / "rows.csv").write_text(",".join(names) + "\n" + ",".join(["EUR 12"] * len(names)) + "\n")
    with pytest.raises(ValueError, match=r"must be readable as csv with the graph's columns"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / "scores.parquet")


def test_lines_that_never_name_a_column_lack_it(case: Small, bundle: Path, tmp_path: Path) -> None:
    rows = (
        case.table.slice(0, 3).select(["transaction_id", *case.parts.numeric[1:], *case.parts.categorical]).to_pylist()
    )
    lines = [json.dumps({name: value for name, value in row.items() if value == value}) for row in rows]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"columns missing in .*'number_0'"):
        score_file(bundle, tmp_path / "rows.jsonl", tmp_path / "scores.parquet")


def test_a_column_that_stands_twice_is_refused(case: Small, bundle: Path, tmp_path: Path) -> None:
    names = [*case.parts.numeric, *case.parts.categorical, "number_0"]
    (tmp_path / "rows.csv").write_text(",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    with pytest.raises(ValueError, match=r"must have each column once, got \['number_0'\] more than once"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / "scores.parquet")


@pytest.mark.parametrize("name", ["rows.xlsx", "rows"])
def test_files_of_another_kind_are_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\.parquet, \.csv or \.jsonl"):
        score_file(bundle, tmp_path / name, tmp_path / "scores.parquet")
    with pytest.raises(ValueError, match=r"must go to a \.parquet or \.csv file"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / name)


def test_a_graph_that_differs_from_the_python_path_is_not_exported(case: Small, tmp_path: Path) -> None:
    wrong = {name: np.where(np.arange(1500) == 7, 0.5, values) for name, values in case.expected().items()}
    with pytest.raises(ValueError, match=r"must agree on 1,500 rows, but they differ: 'logistic' in 1"):
        build_bundle(tmp_path / "b", contents(case, expected=wrong), config=ExportConfig())


def test_too_few_rows_for_the_golden_ones_are_refused(case: Small, tmp_path: Path) -> None:
    few = {name: values[:49] for name, values in case.expected().items()}
    with pytest.raises(ValueError, match="golden rows need at least 50 feature rows, got 49"):
        build_bundle(tmp_path / "b", contents(case, rows=case.table.slice(0, 49), expected=few), config=ExportConfig())


def test_a_bundle_beyond_its_size_is_refused(case: Small, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at most 1,000 bytes \(export\.max_bytes\)"):
        build_bundle(tmp_path / "b", contents(case), config=ExportConfig(max_bytes=1000))


def test_a_triton_repository_is_laid_out_on_demand_and_verified(case: Small, tmp_path: Path) -> None:
    build_bundle(tmp_path / "b", contents(case), config=ExportConfig(triton=True))
    assert verify_bundle(tmp_path / "b").files == len(REQUIRED | OPTIONAL)
    text = (tmp_path / "b/triton/harbor/config.pbtxt").read_text()
    assert '{ name: "category_0" data_type: TYPE_STRING dims: [ 1 ] }' in text


def test_a_signed_bundle_verifies_with_its_key_alone(case: Small, tmp_path: Path) -> None:
    build_bundle(tmp_path / "b", contents(case), config=ExportConfig(), key=KEY)
    assert verify_bundle(tmp_path / "b", key=KEY).signed
    assert not verify_bundle(tmp_path / "b").signed
    with pytest.raises(ValueError, match="must be the manifest's signature"):
        verify_bundle(tmp_path / "b", key=b"another")


def test_a_bundle_without_signature_is_refused_where_a_key_is_set(bundle: Path) -> None:
    with pytest.raises(ValueError, match=r"a key is set, so .* must have a manifest\.sig"):
        verify_bundle(bundle, key=KEY)


def test_the_key_comes_from_the_configured_variable() -> None:
    assert signing_key("RELEASE_KEY", {"RELEASE_KEY": "k"}) == b"k"
    assert signing_key("RELEASE_KEY", {}) is None


def frame(bundle: Path, rows: int = 5):
    import pandas as pd

    return pd.DataFrame([row["inputs"] for row in golden(bundle)[:rows]])


def test_mlflow_loads_the_model_with_pickle_off_and_scores_golden_rows_one_by_one(bundle: Path) -> None:
    model = load_serving_model(bundle / "mlflow")
    for row in range(20):
        found = model.predict(frame(bundle, 20).iloc[[row]])
        assert found["probability"].iloc[0] == pytest.approx(golden(bundle)[row]["probability"], abs=1e-6)
    verify_bundle(bundle)


def test_mlflow_declares_numbers_as_doubles_that_may_be_missing(bundle: Path) -> None:
    inputs = load_serving_model(bundle / "mlflow").metadata.get_input_schema()
    kinds = {each.name: (each.type.name, each.required) for each in inputs.inputs}
    assert kinds["number_0"] == ("double", False)
    assert kinds["category_0"] == ("string", False)


def test_only_columns_that_train_saw_missing_may_be_left_out(bundle: Path) -> None:
    model = load_serving_model(bundle / "mlflow")
    whole = model.predict(frame(bundle).assign(number_0=np.nan))
    left_out = model.predict(frame(bundle).drop(columns=["number_0"]))
    assert (whole["probability"] == left_out["probability"]).all()
    with pytest.raises(Exception, match="'number_1': missing, though every row of train had it"):
        model.predict(frame(bundle).drop(columns=["number_1"]))


@pytest.mark.parametrize(
    ("column", "value"), [("number_1", "4929-secret"), ("category_0", 4929.25), ("number_1", np.inf)]
)
def test_bad_rows_are_refused_without_repeating_them(bundle: Path, column: str, value: object) -> None:
    model = load_serving_model(bundle / "mlflow")
    rows = frame(bundle).astype({column: object})
    rows.loc[1, column] = value
    with pytest.raises(Exception) as caught:
        model.predict(rows)
    assert "4929" not in str(caught.value)


def test_mlflow_loads_the_model_where_harbor_is_not_installed(bundle: Path, tmp_path: Path) -> None:
    code = """
import sys, json
BLOCKED = {'pipeline', 'features', 'models', 'evaluation', 'xgboost', 'torch', 'onnx', 'sklearn', 'numba'}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in BLOCKED:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1] + '/mlflow')
row = json.loads(open(sys.argv[1] + '/golden.jsonl').readline())
print(abs(model.predict(pd.DataFrame([row['inputs']]))['probability'].iloc[0] - row['probability']))
"""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code, str(bundle)],
        cwd=tmp_path,
        env=environment | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 1e-6


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("serving")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    arguments = ["models", "serve", "--model-uri", str(bundle / "mlflow"), "--env-manager", "local"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            cwd=home,
            env={
                "PATH": path,
                "HOME": str(home),
                "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/ping")
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _wait_for(address: str) -> None:
    for _ in range(240):
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(address, timeout=5).status == 200:
                return
        time.sleep(0.25)
    raise TimeoutError(address)


def posted(address: str, body: str, kind: str = "application/json") -> tuple[int, str]:
    request = urllib.request.Request(address, data=body.encode(), headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.slow
def test_a_served_model_answers_golden_rows(server: str, bundle: Path) -> None:
    rows = golden(bundle)[:8]
    status, answer = posted(server, json.dumps({"dataframe_records": [row["inputs"] for row in rows]}))
    assert status == 200
    for found, row in zip(json.loads(answer)["predictions"], rows, strict=True):
        assert found["probability"] == pytest.approx(row["probability"], abs=1e-6)
    verify_bundle(bundle)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["word", "type", "missing", "not json", "not a frame", "csv", "ragged", "infinite", "list"]
)
def test_a_served_model_refuses_bad_rows_with_a_4xx_that_repeats_nothing(server: str, bundle: Path, kind: str) -> None:
    secret, row = "4929123412341234", golden(bundle)[0]["inputs"]
    bodies = {
        "word": json.dumps({"dataframe_records": [row | {"number_1": f"card {secret}"}]}),
        "type": json.dumps({"dataframe_records": [row | {"category_0": {"card": secret}}]}),
        "missing": json.dumps({"dataframe_records": [{"category_0": secret}]}),
        "not json": f"{{'card': {secret}",
        "not a frame": json.dumps({"card": secret}),
        "csv": f"number_1,category_0\n{secret},{secret}\n",
        "ragged": json.dumps({"dataframe_split": {"columns": ["a", "b"], "data": [[secret]]}}),
        "infinite": json.dumps({"dataframe_records": [row | {"number_1": float(f"{secret}e300")}]}),
        "list": json.dumps({"dataframe_records": [row | {"number_1": [secret]}]}),
    }
    status, answer = posted(server, bodies[kind], "text/csv" if kind == "csv" else "application/json")
    assert 400 <= status < 500
    assert "4929" not in answer
    assert "Traceback" not in answer
