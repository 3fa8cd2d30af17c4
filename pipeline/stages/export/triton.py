"""The graph as a Triton model repository: a folder, a version and a configuration in text."""

from pathlib import Path

from pipeline.bundle.signature import Signature
from pipeline.storage.atomic import write_bytes, write_text

NAME = "harbor"


def write_triton_model(folder: Path, graph: bytes, signature: Signature) -> None:
    """Write `folder`/harbor/config.pbtxt and `folder`/harbor/1/model.onnx."""
    write_text(folder / NAME / "config.pbtxt", triton_configuration(signature))
    write_bytes(folder / NAME / "1" / "model.onnx", graph)


def triton_configuration(signature: Signature) -> str:
    """config.pbtxt for the onnxruntime backend: rows are batched, so every shape is [1]."""
    inputs = [(name, "TYPE_FP32") for name in signature.numeric]
    inputs += [(name, "TYPE_STRING") for name in signature.categorical]
    outputs = [(name, "TYPE_FP64") for name in signature.outputs]
    return "\n".join(
        [
            f'name: "{NAME}"',
            'backend: "onnxruntime"',
            "max_batch_size: 4096",
            f"input [\n{_tensors(inputs)}\n]",
            f"output [\n{_tensors(outputs)}\n]",
            "instance_group [ { kind: KIND_CPU } ]",
            "dynamic_batching { max_queue_delay_microseconds: 200 }",
            "",
        ]
    )


def _tensors(tensors: list[tuple[str, str]]) -> str:
    return ",\n".join(f'  {{ name: "{name}" data_type: {kind} dims: [ 1 ] }}' for name, kind in tensors)
