"""The graph as an MLflow model from code, whose bytes depend on nothing but what it is made of."""

import tempfile
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from pipeline.bundle.matrix_graph import matrix_form
from pipeline.bundle.signature import Signature
from pipeline.tracking.mlflow_store import quiet_mlflow

CODE = "serving_model.py"
PINNED = ("mlflow", "numpy", "onnxruntime", "pandas")
EPOCH = "1970-01-01 00:00:00.000000"


def write_serving_model(
    folder: Path, *, graph: Path, signature_file: Path, signature: Signature, identity: str
) -> None:
    """Write an MLflow model of the graph whose bytes depend on nothing but its inputs.

    Args:
        folder: the model's folder; it must not exist.
        graph: model.onnx.
        signature_file: signature.json.
        signature: what it says.
        identity: hexadecimal digest of at least 32 digits of what the model is.
    """
    with quiet_mlflow(), tempfile.TemporaryDirectory(prefix="harbor-") as made:
        import mlflow.pyfunc

        mlflow.pyfunc.save_model(
            path=folder,
            python_model=str(resources.files("pipeline.stages.export") / CODE),
            artifacts={"graph": str(_fed_graph(graph, signature, Path(made))), "signature": str(signature_file)},
            signature=_model_signature(signature),
            pip_requirements=[f"{name}=={metadata.version(name)}" for name in PINNED],
        )
    _make_portable(folder, identity)


def _fed_graph(graph: Path, signature: Signature, folder: Path) -> Path:
    """The graph in its matrix form, where it has one: what loads it has no library that could make it."""
    form = matrix_form(graph.read_bytes(), signature.numeric)
    if form is None:
        return graph
    (folder / graph.name).write_bytes(form[0])
    return folder / graph.name


def _model_signature(signature: Signature) -> Any:
    """The columns by name, each of which may be missing, and of whatever type the model itself takes.

    A declared double would make MLflow refuse the int64, nullable, decimal and truth values that hold the same numbers.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    any_type: Any = AnyType  # it has no annotations of its own
    inputs: list[Any] = [ColSpec(any_type(), name, required=False) for name in signature.inputs]
    outputs: list[Any] = [ColSpec(DataType.double, name) for name in signature.outputs]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _make_portable(folder: Path, identity: str) -> None:
    """Rewrite in MLmodel whatever differs between two calls or tells of this machine: id, time, paths and sizes."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    flavor = model.flavors["python_function"]
    flavor["model_code_path"] = CODE
    for artifact in flavor["artifacts"].values():
        artifact["uri"] = artifact["path"]
    model.model_uuid = identity[:32]
    model.utc_time_created = EPOCH
    model.model_size_bytes = sum(path.stat().st_size for path in (folder / "artifacts").iterdir())
    model.save(str(folder / "MLmodel"))
