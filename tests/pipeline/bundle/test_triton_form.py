"""The graph as a Triton repository."""

from pathlib import Path

from pipeline.bundle.manifest import OPTIONAL, REQUIRED
from pipeline.bundle.signature import Signature
from pipeline.bundle.triton_form import triton_configuration
from pipeline.bundle.verify import verify_bundle
from tests.fixtures.bundles import built
from tests.oracles.python_path import Small


def test_a_repository_is_laid_out_on_demand_and_verified(case: Small, tmp_path: Path) -> None:
    bundle = built(case, tmp_path / "b", triton=True)
    laid_out = {name for name in OPTIONAL if name.startswith("triton/")}
    assert verify_bundle(bundle).files == len(REQUIRED | laid_out)
    assert (bundle / "triton/harbor/1/model.onnx").read_bytes() == (bundle / "model.onnx").read_bytes()


def test_every_column_and_output_is_declared_with_its_type_and_one_element() -> None:
    text = triton_configuration(Signature(("amount",), ("country",), ("probability", "mlp")))
    assert text.count("dims: [ 1 ]") == 4
    kinds = {"amount": "TYPE_FP32", "country": "TYPE_STRING", "probability": "TYPE_FP64", "mlp": "TYPE_FP64"}
    for name, kind in kinds.items():
        assert f'{{ name: "{name}" data_type: {kind} dims' in text
