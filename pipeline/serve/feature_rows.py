"""Feature rows of other protocols, scored without any state: Open Inference Protocol v2, and `/invocations`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from pipeline.bundle.signature import Signature
from pipeline.serve.deployment import Deployment
from pipeline.serve.refusal import RefusalError, refusal_of_fields
from pipeline.serve.strict_body import check_single_keys, strict_value

MODEL = "harbor"
MOST_ROWS = 10_000
DATATYPES = {"numeric": "FP32", "categorical": "BYTES"}
NUMBERS = ("FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL")
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
Columns = Mapping[str, Sequence[Any]]


def model_metadata(deployment: Deployment) -> bytes:
    """What `GET /v2/models/harbor` answers."""
    signature = deployment.scorer.signature
    kinds = {**dict.fromkeys(signature.numeric, "numeric"), **dict.fromkeys(signature.categorical, "categorical")}
    told = {
        "name": MODEL,
        "versions": [deployment.version or deployment.manifest[:16]],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": name, "datatype": DATATYPES[kind], "shape": [-1, 1]} for name, kind in kinds.items()],
        "outputs": [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in signature.outputs],
    }
    return orjson.dumps(told)


def inferred(body: bytes, deployment: Deployment) -> bytes:
    """The answer to `POST /v2/models/harbor/infer`.

    Raises:
        RefusalError: the body is not of the protocol, or columns are missing or wrong; they are named.
    """
    asked = _object(body)
    inputs = asked.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
        raise RefusalError(422, "inputs must be a list of tensors", fields=["inputs"])
    columns = dict(map(_tensor, inputs))
    if len(columns) < len(inputs):
        raise RefusalError(422, "each tensor of inputs must have a name of its own", fields=["inputs"])
    outputs = _scores(columns, deployment)
    names = _asked_outputs(asked.get("outputs"), deployment.scorer.signature)
    rows = len(next(iter(outputs.values())))
    told = {
        "model_name": MODEL,
        "model_version": deployment.version or deployment.manifest[:16],
        **({"id": asked["id"]} if isinstance(asked.get("id"), str) else {}),
        "outputs": [
            {"name": name, "datatype": "FP64", "shape": [rows, 1], "data": outputs[name].tolist()} for name in names
        ],
    }
    return orjson.dumps(told)


def invoked(body: bytes, deployment: Deployment) -> bytes:
    """The answer to `POST /invocations`, in the forms of MLflow 3; raises as `inferred`."""
    asked = _object(body)
    form = next((name for name in FORMS if name in asked), None)
    if form is None:
        raise RefusalError(422, f"the body must have one of {', '.join(FORMS)}")
    outputs = _scores(_frame(form, asked[form]), deployment)
    rows = zip(*(values.tolist() for values in outputs.values()), strict=True)
    return orjson.dumps({"predictions": [dict(zip(outputs, row, strict=True)) for row in rows]})


def _object(body: bytes) -> dict[str, Any]:
    asked = strict_value(body)
    if not isinstance(asked, dict):
        raise RefusalError(422, "the body must be one JSON object")
    check_single_keys(body)
    return asked


def _tensor(tensor: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
    name, data, shape = tensor.get("name"), tensor.get("data"), tensor.get("shape")
    if not isinstance(name, str):
        raise RefusalError(422, "each tensor of inputs must have a name", fields=["inputs"])
    if tensor.get("datatype") not in (*NUMBERS, "BYTES"):
        raise refusal_of_fields([(name, "datatype must be BYTES or one of numbers")])
    values = [each[0] for each in data] if isinstance(data, list) and _is_column(data) else data
    if not isinstance(values, list) or shape not in ([len(values)], [len(values), 1]):
        raise refusal_of_fields([(name, "data must be a list of as many values as its shape [rows, 1] says")])
    return name, values


def _is_column(data: Sequence[Any]) -> bool:
    return all(isinstance(each, list) and len(each) == 1 for each in data)


def _frame(form: str, given: Any) -> Columns:
    try:
        if form == "dataframe_split":
            names, rows = list(map(str, given["columns"])), [list(row) for row in given["data"]]
            if len(set(names)) < len(names) or any(len(row) != len(names) for row in rows):
                raise ValueError
            return {name: [row[place] for row in rows] for place, name in enumerate(names)}
        if isinstance(given, dict):
            return {str(name): list(values) if isinstance(values, list) else [values] for name, values in given.items()}
        names = list(dict.fromkeys(str(name) for row in given for name in row))
        return {name: [row.get(name) for row in given] for name in names}
    except (TypeError, KeyError, ValueError, AttributeError):
        raise RefusalError(422, f"{form} must be rows as MLflow sends them", fields=[form]) from None


def _scores(columns: Columns, deployment: Deployment) -> dict[str, np.ndarray]:
    signature = deployment.scorer.signature
    rows = max(map(len, columns.values()), default=0)
    if not 1 <= rows <= MOST_ROWS:
        raise RefusalError(422, f"there must be from 1 to {MOST_ROWS:,} rows, got {rows:,}")
    faults = [(name, "is a column that the model does not take") for name in columns if name not in signature.inputs]
    faults += [
        (name, "must be given") for name in signature.inputs if name not in columns and name not in signature.optional
    ]
    faults += [(name, f"must have {rows:,} values") for name, values in columns.items() if len(values) != rows]
    if faults:
        raise refusal_of_fields(faults)
    return deployment.scorer.outputs(_arrays(columns, signature, rows), rows=rows)


def _arrays(columns: Columns, signature: Signature, rows: int) -> dict[str, np.ndarray]:
    """Columns as the graph takes them, [N, 1]; one that is not there is missing in every row."""
    found, faults = {}, []
    for name in signature.inputs:
        values = columns.get(name, (None,) * rows)
        made = _numbers(values) if name in signature.numeric else _strings(values)
        if made is None:
            kind = "finite numbers" if name in signature.numeric else "strings"
            faults.append((name, f"must be {kind}, null where missing"))
        else:
            found[name] = made
    if faults:
        raise refusal_of_fields(faults)
    return found


def _numbers(values: Sequence[Any]) -> np.ndarray | None:
    if not all(value is None or isinstance(value, int | float) for value in values):
        return None
    with np.errstate(over="ignore"):
        numbers = np.array([np.nan if value is None else float(value) for value in values]).astype(np.float32)
    return None if np.isinf(numbers).any() else numbers[:, None]


def _strings(values: Sequence[Any]) -> np.ndarray | None:
    """Texts; a whole number or a truth value is the text of it, as in a file."""
    if not all(value is None or isinstance(value, str | int) for value in values):
        return None
    texts = [value if isinstance(value, str) else "" if value is None else str(value).lower() for value in values]
    return np.array(texts, dtype=object)[:, None]


def _asked_outputs(asked: Any, signature: Signature) -> Sequence[str]:
    if asked is None:
        return signature.outputs
    names = (
        [each.get("name") if isinstance(each, dict) else None for each in asked] if isinstance(asked, list) else [None]
    )
    if any(name not in signature.outputs for name in names):
        raise RefusalError(422, f"outputs must be among {', '.join(signature.outputs)}", fields=["outputs"])
    return [str(name) for name in names]
