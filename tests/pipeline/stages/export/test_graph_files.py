"""A graph is written in one way, wherever it comes from."""

from pathlib import Path

from pipeline.bundle.signature import Signature
from pipeline.stages.export.graph_files import write_graph
from pipeline.storage.content import read_json


def test_the_graph_of_a_bundle_written_again_is_the_same_files(bundle: Path, tmp_path: Path) -> None:
    signature = Signature.from_dict(read_json(bundle / "signature.json"))
    write_graph(tmp_path, (bundle / "model.onnx").read_bytes(), signature)
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"model.onnx", "signature.json"} < {str(path) for path in again}
    assert [path for path in again if (bundle / path).read_bytes() != again[path]] == []
