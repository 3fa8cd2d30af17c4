"""The bundle's MLflow model: loaded without pickles and without Harbor, and written the same everywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.bundle.verify import verify_bundle
from tests.fixtures.bundles import golden, golden_frame
from tests.oracles.served_model import load_serving_model


def test_mlflow_loads_the_model_with_pickle_off_and_scores_golden_rows_one_by_one(bundle: Path) -> None:
    model = load_serving_model(bundle / "mlflow")
    for row in range(20):
        found = model.predict(golden_frame(bundle, 20).iloc[[row]])
        assert found["probability"].iloc[0] == pytest.approx(golden(bundle)[row]["probability"], abs=1e-6)
    verify_bundle(bundle)


def test_mlflow_is_told_the_columns_and_leaves_their_types_to_the_model(bundle: Path) -> None:
    declared = load_serving_model(bundle / "mlflow").metadata.get_input_schema().inputs
    held = json.loads((bundle / "signature.json").read_text("utf-8"))["inputs"]
    assert [each.name for each in declared] == [each["name"] for each in held]
    assert {(str(each.type), each.required) for each in declared} == {("Any", False)}


def test_loading_the_model_changes_no_function_of_mlflow(bundle: Path) -> None:
    from mlflow.models import utils

    before = {name: value for name, value in vars(utils).items() if callable(value)}
    load_serving_model(bundle / "mlflow")
    assert {name: value for name, value in vars(utils).items() if callable(value)} == before


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
