"""The graph on disk: by itself, with its signature, and as an MLflow model."""

import hashlib
from pathlib import Path

from pipeline.bundle.signature import Signature
from pipeline.stages.export.mlflow_model import write_serving_model
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import write_json


def write_graph(folder: Path, graph: bytes, signature: Signature) -> None:
    """Write the graph by itself, with its signature, and as an MLflow model."""
    write_bytes(folder / "model.onnx", graph)
    write_json(folder / "signature.json", signature.to_dict())
    write_serving_model(
        folder / "mlflow",
        graph=folder / "model.onnx",
        signature_file=folder / "signature.json",
        signature=signature,
        identity=hashlib.sha256(graph).hexdigest(),
    )
