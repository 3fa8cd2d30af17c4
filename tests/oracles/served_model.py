"""A bundle's MLflow model as a server has it in its hands."""

import os
import sys
from pathlib import Path
from typing import Any

from pipeline.tracking.mlflow_store import quiet_mlflow


def load_serving_model(folder: Path) -> Any:
    """The MLflow model in a folder, loaded with pickle deserialization off and without leaving bytecode there."""
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    writes_nothing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with quiet_mlflow():
            import mlflow.pyfunc

            return mlflow.pyfunc.load_model(str(folder))
    finally:
        sys.dont_write_bytecode = writes_nothing
