"""The pipeline's own sections: no password in an address that is written down, and no worker loaded."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from pipeline.sections import DataConfig, RunsConfig, TrackingConfig


@pytest.mark.parametrize(
    ("section", "key", "address"),
    [
        (DataConfig, "source", "s3://user:secret@bucket/tx.csv"),
        (DataConfig, "source", ("tx.csv", "https://user:secret@host/tx.csv")),
        (RunsConfig, "store", "s3://user:secret@bucket/runs"),
        (TrackingConfig, "uri", "postgresql://user:secret@host/mlflow"),
    ],
)
def test_an_address_with_a_password_is_refused(section, key, address):
    with pytest.raises(ValidationError, match="must not hold a secret"):
        section(**{key: address})


def test_a_store_of_runs_is_an_address_without_its_last_slash():
    assert RunsConfig(store="s3://bucket/runs/").store == "s3://bucket/runs"
    assert RunsConfig().store == ""
    with pytest.raises(ValidationError, match="must be empty or an address that begins with s3://"):
        RunsConfig(store="/var/runs")


def test_sections_and_the_whole_configuration_load_no_worker():
    heavy = {"torch", "xgboost", "sklearn", "scipy", "numba", "pandas", "onnx", "onnxruntime", "mlflow", "matplotlib"}
    code = "import sys, pipeline.config; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pipeline.sections" in loaded
    assert not heavy & set(loaded)


def test_a_version_of_a_table_in_a_store_is_no_password_and_a_password_is_still_refused():
    assert DataConfig(source="delta://s3://bank/tx@12").source == "delta://s3://bank/tx@12"
    with pytest.raises(ValueError, match="secret"):
        DataConfig(source="delta://s3://ann:hunter2@bank/tx@12")
