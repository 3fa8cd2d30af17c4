"""The scoring graph as an MLflow model.

This file is copied into the bundle and loaded by MLflow from there, in an environment that has onnxruntime, numpy,
pandas and mlflow and nothing of Harbor. No message holds a value of a row: a server's answers end up in logs.
"""

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.models import utils as enforcement
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel
from mlflow.types import DataType

SERVER = "mlflow.pyfunc.scoring_server"
REFUSED = "The rows were refused: they must be JSON or CSV with the model's columns and numbers where it takes numbers."


class ScoringModel(PythonModel):
    """P(fraud) of feature rows: a column `probability`, and one a candidate."""

    def load_context(self, context: Any) -> None:
        """Loads the graph, and keeps rows out of the error messages of a server that loads this model."""
        os.environ.setdefault("MLFLOW_DISABLE_SCHEMA_DETAILS", "true")
        _silence_server()
        self.signature = json.loads(Path(context.artifacts["signature"]).read_text(encoding="utf-8"))
        _take_equal_types({column["name"] for column in self.signature["inputs"]})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("HARBOR_SERVING_THREADS", "1"))
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(
            context.artifacts["graph"], options, providers=["CPUExecutionProvider"]
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Probabilities of each row.

        Raises:
            MlflowException: a column is missing or of the wrong type, or a number is infinite: by name, never by value.
        """
        feeds, faults = {}, []
        for column in self.signature["inputs"]:
            try:
                feeds[column["name"]] = _values(model_input, column)
            except ValueError as fault:
                faults.append(f"'{column['name']}': {fault}")
        if faults:
            message = f"{len(faults)} faults in {len(model_input)} rows: " + "; ".join(faults)
            raise MlflowException(message, error_code=INVALID_PARAMETER_VALUE) from None
        names = [each["name"] for each in self.signature["outputs"]]
        outputs = self.session.run(names, feeds)
        return pd.DataFrame({name: values[:, 0] for name, values in zip(names, outputs, strict=True)})


def _values(rows: pd.DataFrame, column: dict[str, Any]) -> np.ndarray:
    """A column as the graph takes it; an optional one that is absent is missing in every row.

    Raises:
        ValueError: what is wrong with it.
    """
    numeric = column["kind"] == "numeric"
    if column["name"] not in rows.columns:
        if not column["optional"]:
            raise ValueError("missing, though every row of train had it")
        return np.full((len(rows), 1), np.nan, np.float32) if numeric else np.full((len(rows), 1), "", dtype=object)
    values = _plain(rows[column["name"]], numeric=numeric)
    return _numbers(values) if numeric else _strings(values)


def _plain(values: pd.Series, *, numeric: bool) -> pd.Series:
    """A column of any type as doubles or texts where it holds nothing else; as it is where it does."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object).infer_objects()
    kinds = {type(value) for value in values.dropna()} if values.dtype == object else set()
    typed = pd.api.types.is_numeric_dtype(values.dtype)  # a truth value counts as one
    if numeric and (typed or (kinds and kinds <= {Decimal, int, float, bool})):
        return pd.Series(values.to_numpy(np.float64, na_value=np.nan), values.index)
    whole = pd.api.types.is_integer_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)
    if not numeric and whole:
        return values.map(lambda value: str(value).lower(), na_action="ignore").astype(object)
    return values


def _numbers(values: pd.Series) -> np.ndarray:
    kinds = {type(value) for value in values.dropna()} if values.dtype == object else set()
    if any(not issubclass(kind, int | float | np.number) for kind in kinds) or values.dtype.kind not in "Oiuf":
        raise ValueError("must be numbers")
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(over="ignore"):
        floats: np.ndarray = numbers.astype(np.float32)
    if np.isinf(floats).any():
        raise ValueError("must be finite numbers")
    return floats[:, None]


def _strings(values: pd.Series) -> np.ndarray:
    filled = values.astype(object).where(values.notna(), "")
    if any(not isinstance(value, str) for value in filled):
        raise ValueError("must be strings")
    strings: np.ndarray = filled.to_numpy(dtype=object)
    return strings[:, None]


def _take_equal_types(names: set[str]) -> None:
    """Makes MLflow take columns of these names whose type is another one for the same values.

    It refuses int64, nullable, decimal, boolean and category columns where doubles and strings are declared, although
    pandas gives whole numbers no other type, and says neither which column nor why.
    """
    enforced = getattr(enforcement, "_enforce_mlflow_datatype", None)
    known = getattr(enforced, "equal_types", None)
    if known is not None:
        known.update(names)
    if enforced is None or known is not None:
        return

    def enforce(name: str, values: pd.Series, declared: DataType) -> Any:
        if name in names and declared in (DataType.double, DataType.string):
            values = _plain(values, numeric=declared == DataType.double)
        return enforced(name, values, declared)

    enforce.equal_types = names  # type: ignore[attr-defined]
    enforcement._enforce_mlflow_datatype = enforce  # type: ignore[assignment]


def _silence_server() -> None:
    """Makes MLflow's scoring server, where it is what loads this model, answer bad rows without repeating them.

    It quotes the rows in its own messages, and the trace of whatever a model raises, before a model could prevent it.
    """
    server = sys.modules.get(SERVER)
    answered = getattr(server, "invocations", None)
    if server is None or answered is None or hasattr(answered, "quotes_no_rows"):
        return

    def invocations(*args: Any, **kwargs: Any) -> Any:
        try:
            return answered(*args, **kwargs)
        except MlflowException as error:
            message = error.message.rpartition("\nError: ")[2] if "faults in" in error.message else REFUSED
        except Exception:
            message = REFUSED
        raise MlflowException(message, error_code=INVALID_PARAMETER_VALUE) from None

    invocations.quotes_no_rows = True  # type: ignore[attr-defined]
    server.invocations = invocations  # type: ignore[attr-defined]


set_model(ScoringModel())
