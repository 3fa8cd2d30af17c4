import pytest

from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.served_files import CONDA, PYTHON_ENV, REQUIREMENTS, check_served_files
from pipeline.bundle.signature import Signature
from pipeline.storage.errors import InputError


def test_what_harbor_writes_passes(bundle):
    checked = checked_bundle(bundle)
    check_served_files(checked, Signature.from_dict(checked.read_json("signature.json")))


def test_all_faults_are_named_at_once(bundle):
    checked = checked_bundle(bundle)
    signature = Signature.from_dict(checked.read_json("signature.json"))
    other = Signature(signature.numeric[::-1], signature.categorical, signature.outputs)
    with pytest.raises(InputError, match=r"2 faults in what the bundle(.|\n)*model.onnx(.|\n)*MLmodel"):
        check_served_files(checked, other)


@pytest.mark.parametrize(
    "text",
    ["mlflow==3.1\nnumpy==2\nonnxruntime==1.2\npandas==3.0rc1", "mlflow==3\nnumpy==2+cu1\nonnxruntime==1\npandas==3\n"],
)
def test_versions_of_any_form_are_versions(text):
    assert REQUIREMENTS.fullmatch(text)


@pytest.mark.parametrize("text", ["", "mlflow==3", "mlflow>=3\nnumpy==2\nonnxruntime==1\npandas==3", "# x\n"])
def test_what_pins_nothing_is_none(text):
    assert not REQUIREMENTS.fullmatch(text)
    assert not CONDA.fullmatch(text)
    assert not PYTHON_ENV.fullmatch(text)
