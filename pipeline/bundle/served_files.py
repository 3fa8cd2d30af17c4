"""The forms of a bundle that others serve: each must be what Harbor writes for the graph that was checked.

MLflow and Triton open files of their own. A checksum says that they are as listed, not that they are the model that the
golden rows are of; so each is made again here, from graph and signature, and compared byte for byte.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from importlib import resources

import yaml  # type: ignore[import-untyped]

from pipeline.bundle.manifest import CheckedBundle
from pipeline.bundle.matrix_graph import matrix_form
from pipeline.bundle.signature import Signature
from pipeline.bundle.triton_form import triton_configuration
from pipeline.storage.errors import InputError, faults_text

SERVING_CODE = "stages/export/serving_model.py"
"""Below the package: what is copied into every bundle."""
VERSION = r"\d{1,6}(?:\.\d{1,6}){0,3}(?:\.?(?:a|b|rc|post|dev)\d{1,4})?(?:\+[A-Za-z0-9.]{1,40})?"
PINNED = ("mlflow", "numpy", "onnxruntime", "pandas")
REQUIREMENTS = re.compile("\n".join(f"{name}=={VERSION}" for name in PINNED) + "\n?")
CONDA = re.compile(
    rf"channels:\n- conda-forge\ndependencies:\n- python={VERSION}\n- pip<={VERSION}\n- pip:\n"
    + "".join(f"  - {name}=={VERSION}\n" for name in PINNED)
    + "name: mlflow-env\n"
)
PYTHON_ENV = re.compile(
    rf"python: {VERSION}\nbuild_dependencies:\n(?:- (?:pip|setuptools|wheel)(?:=={VERSION})?\n){{1,3}}"
    r"dependencies:\n- -r requirements\.txt\n"
)


def check_served_files(bundle: CheckedBundle, signature: Signature) -> None:
    """Refuse a bundle in which anything that is served is not the graph of model.onnx, or not Harbor's own.

    Args:
        bundle: whose files are as its manifest lists them.
        signature: what its signature.json says.

    Raises:
        InputError: every fault, by name.
    """
    faults = [*_graph_faults(bundle, signature), *_code_faults(bundle), *_environment_faults(bundle)]
    faults += _description_faults(bundle, signature)
    if faults:
        raise InputError(faults_text(faults, f"what the bundle {bundle.folder} serves"))


def _graph_faults(bundle: CheckedBundle, signature: Signature) -> Iterator[str]:
    graph = bundle.read("model.onnx")
    form = matrix_form(graph, signature.numeric)
    if bundle.read("mlflow/artifacts/model.onnx") != (graph if form is None else form[0]):
        yield "mlflow/artifacts/model.onnx: must be the graph of model.onnx, but it is another"
    if bundle.read("mlflow/artifacts/signature.json") != bundle.read("signature.json"):
        yield "mlflow/artifacts/signature.json: must be signature.json, but it is another"
    triton = {"triton/harbor/1/model.onnx", "triton/harbor/config.pbtxt"} & bundle.manifest["files"].keys()
    if len(triton) == 1:
        yield f"{triton.pop()}: must stand beside the other half of a model of Triton"
    elif triton:
        if bundle.read("triton/harbor/1/model.onnx") != graph:
            yield "triton/harbor/1/model.onnx: must be the graph of model.onnx, but it is another"
        if bundle.read("triton/harbor/config.pbtxt") != triton_configuration(signature).encode():
            yield "triton/harbor/config.pbtxt: must be the configuration of this graph, but it is another"


def _code_faults(bundle: CheckedBundle) -> Iterator[str]:
    own = (resources.files("pipeline") / SERVING_CODE).read_bytes()
    if bundle.read("mlflow/serving_model.py") != own:
        yield (
            "mlflow/serving_model.py: must be the code that this version of Harbor serves with, but it is other code; "
            "a bundle of another version is verified by that version"
        )


def _environment_faults(bundle: CheckedBundle) -> Iterator[str]:
    """What MLflow would install before it serves."""
    texts = {"requirements.txt": REQUIREMENTS, "conda.yaml": CONDA, "python_env.yaml": PYTHON_ENV}
    for name, pattern in texts.items():
        if pattern.fullmatch(bundle.read(f"mlflow/{name}").decode("utf-8", "replace")) is None:
            yield f"mlflow/{name}: must pin versions of {', '.join(PINNED)} and ask for nothing else"


def _description_faults(bundle: CheckedBundle, signature: Signature) -> Iterator[str]:
    content = bundle.read("mlflow/MLmodel")
    text = content.decode("utf-8", "replace")
    versions = {
        key: found[1] if (found := re.search(rf"^ *{key}: '?({VERSION})'?$", text, re.MULTILINE)) else "0"
        for key in ("cloudpickle_version", "mlflow_version", "python_version")
    }
    if yaml.safe_dump(_description(bundle, signature, versions)).encode() != content:
        yield "mlflow/MLmodel: must name this graph, its columns and Harbor's serving code, and nothing else"


def _description(bundle: CheckedBundle, signature: Signature, versions: dict[str, str]) -> dict[str, object]:
    """The content of MLmodel as MLflow writes it of Harbor's model."""
    files = bundle.manifest["files"]
    artifacts = {"graph": "artifacts/model.onnx", "signature": "artifacts/signature.json"}
    inputs = [{"type": "any", "name": name, "required": False} for name in signature.inputs]
    outputs = [{"type": "double", "name": name, "required": True} for name in signature.outputs]
    flavor = {
        "artifacts": {name: {"path": path, "uri": path} for name, path in artifacts.items()},
        "cloudpickle_version": versions["cloudpickle_version"],
        "code": None,
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.pyfunc.loaders.code_model",
        "model_code_path": "serving_model.py",
        "python_version": versions["python_version"],
        "streamable": False,
    }
    return {
        "flavors": {"python_function": flavor},
        "is_signature_from_type_hint": False,
        "mlflow_version": versions["mlflow_version"],
        "model_id": None,
        "model_size_bytes": sum(files[f"mlflow/{path}"]["bytes"] for path in artifacts.values()),
        "model_uuid": hashlib.sha256(bundle.read("model.onnx")).hexdigest()[:32],
        "prompts": None,
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": None},
        "type_hint_from_example": False,
        "utc_time_created": "1970-01-01 00:00:00.000000",
    }
