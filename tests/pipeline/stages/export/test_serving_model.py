"""The code that MLflow serves: answers as the graph does, and refusals that repeat nothing of a row."""

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
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.bundle.verify import verify_bundle
from tests.fixtures.bundles import golden, golden_frame
from tests.oracles.served_model import load_serving_model


def test_only_columns_that_train_saw_missing_may_be_left_out(bundle: Path) -> None:
    model = load_serving_model(bundle / "mlflow")
    whole = model.predict(golden_frame(bundle).assign(number_0=np.nan))
    left_out = model.predict(golden_frame(bundle).drop(columns=["number_0"]))
    assert (whole["probability"] == left_out["probability"]).all()
    with pytest.raises(Exception, match="'number_1': missing, though every row of train had it"):
        model.predict(golden_frame(bundle).drop(columns=["number_1"]))


@pytest.mark.parametrize(
    ("column", "value"), [("number_1", "4929-secret"), ("category_0", 4929.25), ("number_1", np.inf)]
)
def test_bad_rows_are_refused_without_repeating_them(bundle: Path, column: str, value: object) -> None:
    model = load_serving_model(bundle / "mlflow")
    rows = golden_frame(bundle).astype({column: object})
    rows.loc[1, column] = value
    with pytest.raises(Exception) as caught:
        model.predict(rows)
    assert "4929" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(number_1=rows["number_1"].round().astype("int64")),
        lambda rows: rows.assign(number_1=rows["number_1"].round().astype("Int64")),
        lambda rows: rows.assign(number_1=rows["number_1"] > 0),
        lambda rows: rows.assign(number_1=(rows["number_1"] > 0).astype("boolean")),
        lambda rows: rows.assign(number_1=[Decimal(str(value)) for value in rows["number_1"]]),
        lambda rows: rows.astype({"category_0": "category"}),
        lambda rows: rows.assign(category_0=7),
        lambda rows: rows.convert_dtypes(),
    ],
    ids=["int64", "Int64", "bool", "boolean", "decimal", "category", "whole numbers", "nullable"],
)
def test_a_column_may_have_any_type_that_holds_its_values(bundle: Path, change: Callable[..., pd.DataFrame]) -> None:
    model = load_serving_model(bundle / "mlflow")
    rows = change(golden_frame(bundle))
    plain = rows.assign(
        number_1=[float(value) for value in rows["number_1"]],
        category_0=rows["category_0"]
        .astype(object)
        .where(rows["category_0"].notna(), None)
        .map(lambda value: str(value), na_action="ignore"),
    )
    pd.testing.assert_frame_equal(model.predict(rows), model.predict(plain))


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
