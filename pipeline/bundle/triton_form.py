"""The graph as a Triton model repository: a folder, a version and a configuration in text."""

import re
from pathlib import Path

from pipeline.bundle.signature import Signature
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.visible_text import HIDDEN_RANGES

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
    return ",\n".join(f"  {{ name: {_quoted(name)} data_type: {kind} dims: [ 1 ] }}" for name, kind in tensors)


def _quoted(name: str) -> str:
    """A name as protobuf's text form quotes it: what could end the quotes or the line stands as its bytes."""
    plain = re.sub(rf'["\\{HIDDEN_RANGES}]', _bytes_by_number, name)
    return f'"{plain}"'


def _bytes_by_number(found: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in found[0].encode("utf-8", "replace"))
