"""Bundles that agree with their own manifest and are not what they say: files changed and their checksums too."""

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.bundle.manifest import REQUIRED
from pipeline.bundle.verify import verify_bundle
from pipeline.process.exits import ending_of
from pipeline.storage.errors import InputError
from tests.fixtures.bundles import built, edited, listed, manifest
from tests.oracles.python_path import Small

SENTINEL = "sentinel-of-hostile-contents"
CODE = f"open('/tmp/{SENTINEL}', 'w').close()\n"
SERVED = ("mlflow/artifacts/model.onnx", "triton/harbor/1/model.onnx")


class Payload:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, (CODE,))


@pytest.fixture(scope="module")
def sound(case: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(case, tmp_path_factory.mktemp("sound"), triton=True)


@pytest.fixture
def bundle(sound: Path, tmp_path: Path) -> Path:
    """A copy that may be harmed."""
    return Path(shutil.copytree(sound, tmp_path / "bundle"))


def text(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def harm(bundle: Path) -> None:
        before = (bundle / name).read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        listed(bundle, name, after.encode())

    return harm


def whole(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda bundle: listed(bundle, name, content)


def graph(name: str, change: Callable[[onnx.GraphProto], object]) -> Callable[[Path], None]:
    def harm(bundle: Path) -> None:
        model = onnx.load(bundle / name)
        change(model.graph)
        listed(bundle, name, model.SerializeToString())

    return harm


def always_nought(found: onnx.GraphProto) -> None:
    """The outputs multiplied by 0, on their way out."""
    for output in found.output:
        for node in found.node:
            node.output[:] = [f"{each}_true" if each == output.name else each for each in node.output]
            node.input[:] = [f"{each}_true" if each == output.name else each for each in node.input]
        found.node.append(helper.make_node("Mul", [f"{output.name}_true", "nought"], [output.name]))
    found.initializer.append(numpy_helper.from_array(np.zeros(1), "nought"))


def other_weight(found: onnx.GraphProto) -> None:
    tensor = next(each for each in found.initializer if each.data_type == TensorProto.FLOAT and len(each.raw_data) > 64)
    tensor.raw_data = tensor.raw_data[:-1] + bytes([tensor.raw_data[-1] ^ 1])


def said_more(found: onnx.GraphProto) -> None:
    found.doc_string = "see http://evil.example"


def doubled(found: onnx.GraphProto) -> None:
    """A column that forty nodes double each."""
    last = found.input[0].name
    for step in range(40):
        found.node.append(helper.make_node("Concat", [last, last], [f"wide_{step}"], axis=1))
        last = f"wide_{step}"


def flat(found: onnx.GraphProto) -> None:
    found.node.append(helper.make_node("Flatten", [found.input[0].name], ["flat"], axis=0))


def squared(found: onnx.GraphProto) -> None:
    name = found.input[0].name
    found.node.append(helper.make_node("Gemm", [name, name], ["squared"], transB=1))


def operator(kind: str, domain: str = "") -> Callable[[onnx.GraphProto], None]:
    def change(found: onnx.GraphProto) -> None:
        found.node.append(helper.make_node(kind, [found.input[0].name], ["other"], domain=domain))

    return change


def many(found: onnx.GraphProto) -> None:
    found.node.extend(helper.make_node("Abs", [found.input[0].name], [f"n{each}"]) for each in range(20_001))


def of_json(name: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def harm(bundle: Path) -> None:
        value = json.loads((bundle / name).read_text())
        change(value)
        listed(bundle, name, json.dumps(value).encode())

    return harm


def tensors(header: dict, body: bytes) -> bytes:
    content = json.dumps(header).encode()
    return struct.pack("<Q", len(content)) + content + body


def nested(bundle: Path) -> None:
    listed(bundle, "booster.ubj", b"{" + b"i\x01a{" * 200 + b"}" * 201)


def cut(name: str) -> Callable[[Path], None]:
    return lambda bundle: listed(bundle, name, (bundle / name).read_bytes()[:-7])


def longer(name: str) -> Callable[[Path], None]:
    return lambda bundle: listed(bundle, name, (bundle / name).read_bytes() + b"{}")


def without(name: str) -> Callable[[Path], None]:
    def harm(bundle: Path) -> None:
        (bundle / name).unlink()
        edited(bundle, lambda content: content["files"].pop(name))

    return harm


TENSOR = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}
HARMS = {
    **{f"{name}: another model": (graph(name, always_nought), f"{name}: must be the graph") for name in SERVED},
    **{f"{name}: another weight": (graph(name, other_weight), f"{name}: must be the graph") for name in SERVED},
    **{f"{name}: other words": (graph(name, said_more), f"{name}: must be the graph") for name in SERVED},
    **{f"{name}: no graph": (whole(name, b"\0" * 99), f"{name}: must be the graph") for name in SERVED},
    "the graph alone: another model": (graph("model.onnx", always_nought), "must keep their probability"),
    "columns that grow without end": (graph("model.onnx", doubled), "values a row at any node"),
    "other signature beside MLflow": (
        of_json("mlflow/artifacts/signature.json", lambda value: value["inputs"].reverse()),
        "mlflow/artifacts/signature.json: must be signature.json",
    ),
    "code that runs": (whole("mlflow/serving_model.py", CODE.encode()), "must be the code that this version"),
    "code with a line more": (text("mlflow/serving_model.py", lambda old: old + CODE), "must be the code"),
    "a package more": (text("mlflow/requirements.txt", lambda old: old + "\nevil==1.0"), "must pin versions"),
    "a package from elsewhere": (
        text("mlflow/requirements.txt", lambda old: old.replace("numpy==", "numpy @ http://evil.example/")),
        "mlflow/requirements.txt: must pin versions",
    ),
    "an index of packages": (text("mlflow/requirements.txt", lambda old: "-i http://evil\n" + old), "must pin"),
    "a package by another name": (text("mlflow/requirements.txt", lambda old: old.replace("numpy", "nunpy")), "pin"),
    "a channel more": (
        text("mlflow/conda.yaml", lambda old: old.replace("- conda-forge", "- evil")),
        "conda.yaml: must",
    ),
    "a step of a build": (text("mlflow/conda.yaml", lambda old: old + "prefix: /tmp\n"), "conda.yaml: must pin"),
    "another file of requirements": (
        text("mlflow/python_env.yaml", lambda old: old.replace("requirements.txt", "/tmp/evil.txt")),
        "mlflow/python_env.yaml: must pin",
    ),
    "a loader of its own": (
        text("mlflow/MLmodel", lambda old: old.replace("mlflow.pyfunc.loaders.code_model", "os")),
        "mlflow/MLmodel: must name",
    ),
    "a code path of its own": (text("mlflow/MLmodel", lambda old: old.replace("code: null", "code: /tmp")), "MLmodel"),
    "code of another file": (text("mlflow/MLmodel", lambda old: old.replace("serving_model.py", "../x.py")), "MLmodel"),
    "an artifact from elsewhere": (
        text("mlflow/MLmodel", lambda old: old.replace("path: artifacts/model.onnx", "path: /etc/passwd")),
        "mlflow/MLmodel: must name",
    ),
    "a flavor more": (text("mlflow/MLmodel", lambda old: old.replace("flavors:\n", "flavors:\n  sklearn: {}\n")), "ML"),
    "YAML with a tag": (
        text("mlflow/MLmodel", lambda old: old + "x: !!python/object/apply:os.system [id]\n"),
        "MLmodel",
    ),
    "YAML that grows": (whole("mlflow/MLmodel", b"a: &a [x,x]\nb: &b [*a,*a]\n" * 99), "MLmodel: must name"),
    "Triton with another backend": (
        text("triton/harbor/config.pbtxt", lambda old: old.replace('"onnxruntime"', '"python"')),
        "config.pbtxt: must be the configuration",
    ),
    "half of Triton": (without("triton/harbor/config.pbtxt"), "must stand beside the other half"),
    "a pickle for a booster": (whole("booster.ubj", pickle.dumps(Payload())), "booster.ubj: must be"),
    "a booster cut short": (cut("booster.ubj"), "booster.ubj: must be whole"),
    "a booster with more behind": (longer("booster.ubj"), "booster.ubj: must end"),
    "a booster nested deeply": (nested, "booster.ubj: must not be nested"),
    "a booster of words": (whole("booster.ubj", b"{i\x01aSi\x01b}"), "booster.ubj: must be one booster"),
    "a booster that promises more": (whole("booster.ubj", b"{i\x01a[$d#L" + b"\x7f" * 8 + b"}"), "booster.ubj: must"),
    "a pickle for tensors": (whole("network.safetensors", pickle.dumps(Payload())), "network.safetensors: must"),
    "tensors cut short": (cut("network.safetensors"), "network.safetensors: must"),
    "tensors with more behind": (longer("network.safetensors"), "must hold tensors and nothing else"),
    "a tensor larger than its bytes": (
        whole("network.safetensors", tensors({"x": TENSOR}, b"1234")),
        "each of its size",
    ),
    "tensors that share bytes": (
        whole(
            "network.safetensors",
            tensors({key: {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} for key in "ab"}, b"1234"),
        ),
        "lie one behind the other",
    ),
    "an encoder of other columns": (
        of_json("encoder.json", lambda value: value["numeric"].reverse()),
        "encoder.json: must be of the columns",
    ),
    "an encoder without vocabularies": (
        of_json("encoder.json", lambda value: value["vocabularies"].clear()),
        "encoder",
    ),
    "JSON that is a list": (whole("calibrator.json", b"[]"), "calibrator.json: must be an object"),
    "JSON without end": (whole("features.json", b'{"a":' * 5_000 + b"1" + b"}" * 5_000), "nested too deeply"),
    "JSON nested": (whole("thresholds.json", b'{"a":' * 90 + b"1" + b"}" * 90), "must not be nested so deeply"),
    "JSON with a key twice": (whole("thresholds.json", b'{"a": 1, "a": 2}'), "stands twice"),
    "a card that writes to the terminal": (
        whole("model_card.md", b"# \x1b[2K\rverified"),
        "every character can be seen",
    ),
    "a card that runs in a browser": (whole("model_card.md", b"<script>alert(1)</script>"), "without HTML"),
    "a card of other bytes": (whole("model_card.md", b"\xff\xfe"), "model_card.md: must be what"),
    "a candidate that writes to the terminal": (
        lambda bundle: edited(bundle, lambda content: content.update(candidate="x\x1b[2K\rsignature right")),
        "candidate must be a name",
    ),
    "a candidate without end": (
        lambda bundle: edited(bundle, lambda content: content.update(candidate="x" * 900_000)),
        "candidate must be a name",
    ),
    "outputs of another graph": (
        lambda bundle: edited(bundle, lambda content: content.update(outputs=["probability"])),
        "must list the outputs",
    ),
    "a signature taken away": (
        lambda bundle: edited(bundle, lambda content: content.update(signed=True)),
        "missing, though the manifest was signed",
    ),
}
GRAPHS = {
    "doubled": (doubled, "values a row at any node"),
    "flat": (flat, "mix rows"),
    "squared": (squared, "mix rows"),
    "many": (many, "at most 20,000 nodes"),
    **{
        kind: (operator(kind), "built of Harbor's operators") for kind in ("Tile", "Expand", "Range", "NonZero", "Loop")
    },
    "other trees": (operator("TreeEnsembleClassifier", "ai.onnx.ml"), "built of Harbor's operators"),
    "noise": (operator("RandomNormalLike"), "built of Harbor's operators"),
}


@pytest.mark.parametrize("name", HARMS)
def test_a_self_consistent_hostile_bundle_is_refused_and_runs_nothing(name: str, bundle: Path) -> None:
    harm, message = HARMS[name]
    harm(bundle)
    with pytest.raises(InputError, match=message):
        verify_bundle(bundle)
    assert ending_of(lambda: verify_bundle(bundle)).code == 2
    assert not Path("/tmp", SENTINEL).exists()


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_beyond_the_limits_is_refused_by_whoever_loads_it(name: str, bundle: Path) -> None:
    from pipeline.bundle.scorer import graph_session

    change, message = GRAPHS[name]
    model = onnx.load(bundle / "model.onnx")
    change(model.graph)
    with pytest.raises(InputError, match=message):
        graph_session(model.SerializeToString())


def test_every_file_of_a_bundle_is_harmed_in_some_way() -> None:
    told = " ".join(f"{name} {message}" for name, (_, message) in HARMS.items())
    code = Path(__file__).read_text(encoding="utf-8")
    graphs = {"golden.jsonl", "signature.json"}  # harmed beside the audit's, in test_manifest
    assert [name for name in REQUIRED - graphs if name not in told and f'"{name}"' not in code] == []


def test_a_sound_bundle_passes_with_every_file_counted(sound: Path) -> None:
    assert verify_bundle(sound).files == len(manifest(sound)["files"])
