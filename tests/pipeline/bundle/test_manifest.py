"""Bundles that someone tampered with: refused by name, before anything in them is opened."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.bundle.manifest import REQUIRED, checked_bundle, listing_faults, signing_key
from pipeline.bundle.score import score_file
from pipeline.bundle.verify import verify_bundle
from pipeline.cli import main
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json
from tests.fixtures.bundles import built, edited, listed
from tests.oracles.python_path import Small


@pytest.fixture
def bundle(bundle: Path, tmp_path: Path) -> Path:
    """A copy that may be harmed."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


def flipped(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.write_bytes(content)


def linked(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def external(bundle: Path) -> bytes:
    model = onnx.load(bundle / "model.onnx")
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"
    return model.SerializeToString()


def foreign(bundle: Path) -> bytes:
    model = onnx.load(bundle / "model.onnx")
    model.graph.node[0].domain = "com.example"
    return model.SerializeToString()


def nested(bundle: Path) -> bytes:
    model = onnx.load(bundle / "model.onnx")
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=body, else_branch=body))
    return model.SerializeToString()


def failing(bundle: Path) -> bytes:
    """A graph that loads and cannot be run: one input is cut to a row that is not there."""
    model = onnx.load(bundle / "model.onnx")
    node = next(each for each in model.graph.node if each.op_type == "LabelEncoder")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([10**6]), "far"))
    model.graph.node.insert(0, helper.make_node("Gather", [node.input[0], "far"], ["cut"], axis=0))
    node.input[0] = "cut"
    return model.SerializeToString()


def wrong_golden(bundle: Path) -> bytes:
    rows = [json.loads(line) for line in (bundle / "golden.jsonl").read_text().splitlines()]
    rows[7]["probability"] = 1 - rows[7]["probability"]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def golden_line(line: str) -> Callable[[Path], bytes]:
    return lambda bundle: (bundle / "golden.jsonl").read_bytes() + line.encode()


def without(name: str) -> Callable[[dict], object]:
    return lambda content: content["files"].pop(name)


def entry(name: str, **values: object) -> Callable[[dict], object]:
    return lambda content: content["files"].setdefault(name, {"sha256": "0" * 64, "bytes": 1}).update(values)


class Payload:
    """Runs when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self):
        return (Path.touch, (self.sentinel,))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "must be a folder with a manifest.json"),
    "no manifest": (lambda b: (b / "manifest.json").unlink(), "cannot be opened: No such file"),
    "manifest a link": (lambda b: linked(b / "manifest.json", "/etc/passwd"), "manifest.json must be a plain file"),
    "manifest a pipe": (lambda b: piped(b / "manifest.json"), "manifest.json must be a plain file, but it is none"),
    "manifest huge": (lambda b: (b / "manifest.json").write_bytes(b" " * (1 << 20) + b"{}"), "at most 1,048,576 bytes"),
    "manifest deep": (lambda b: (b / "manifest.json").write_text("[" * 200_000), "nested too deeply|cannot be parsed"),
    "manifest cut": (lambda b: (b / "manifest.json").write_text("{"), "strict JSON, but it cannot be parsed at line 1"),
    "manifest not text": (lambda b: (b / "manifest.json").write_bytes(b"\xff\xfe"), "it is not UTF-8"),
    "manifest a list": (lambda b: (b / "manifest.json").write_text("[]"), "must be an object"),
    "manifest a pickle": (lambda b: (b / "manifest.json").write_bytes(pickle.dumps(Payload(SENTINEL))), "strict JSON"),
    "files a list": (lambda b: edited(b, lambda m: m.update(files=[])), "files must be an object"),
    "another format": (lambda b: edited(b, lambda m: m.update(format=2)), "format must be 1"),
    "candidate a number": (lambda b: edited(b, lambda m: m.update(candidate=3)), "candidate must be a name"),
    "size a string": (lambda b: edited(b, entry("model.onnx", bytes="12")), "'model.onnx': must be listed with sha256"),
    "size true": (lambda b: edited(b, entry("model.onnx", bytes=True)), "'model.onnx': must be listed with sha256"),
    "size negative": (lambda b: edited(b, entry("model.onnx", bytes=-1)), "'model.onnx': must be listed with sha256"),
    "size enormous": (lambda b: edited(b, entry("model.onnx", bytes=10**30)), "must have at most 1,073,741,824 bytes"),
    "checksum short": (lambda b: edited(b, entry("model.onnx", sha256="ab")), "64 hexadecimal digits"),
    "checksum a list": (lambda b: edited(b, entry("model.onnx", sha256=[])), "64 hexadecimal digits"),
    "entry with more": (lambda b: edited(b, entry("model.onnx", exec="rm")), "'model.onnx': must be listed"),
    "key twice": (
        lambda b: (b / "manifest.json").write_text('{"format": 1, "format": 1}'),
        "a key stands twice",
    ),
    "not a number": (lambda b: (b / "manifest.json").write_text('{"format": NaN}'), "NaN or Infinity"),
    "parent path": (lambda b: edited(b, entry("../escape")), r"'\.\./escape': has no place"),
    "inner parent path": (lambda b: edited(b, entry("mlflow/../../escape")), "has no place"),
    "absolute path": (lambda b: edited(b, entry("/etc/passwd")), "'/etc/passwd': has no place"),
    "windows path": (lambda b: edited(b, entry("C:\\x")), "has no place"),
    "empty name": (lambda b: edited(b, entry("")), "'': has no place"),
    "long name": (lambda b: edited(b, entry("x" * 10_000)), r"x\.\.\.': has no place"),
    "required not listed": (lambda b: edited(b, without("golden.jsonl")), "golden.jsonl: missing"),
    "file missing": (lambda b: (b / "encoder.json").unlink(), "encoder.json: missing"),
    "file extra": (lambda b: (b / "notes.txt").write_text("x"), "'notes.txt': is not listed"),
    "code extra": (
        lambda b: (b / "mlflow/sitecustomize.py").write_text(CODE),
        "'mlflow/sitecustomize.py': is not listed",
    ),
    "code listed": (lambda b: listed(b, "mlflow/sitecustomize.py", CODE.encode()), "has no place in a bundle"),
    "bytecode extra": (
        lambda b: ((b / "mlflow/__pycache__").mkdir(), (b / "mlflow/__pycache__/serving_model.pyc").write_bytes(b"x")),
        r"is not listed in the manifest \(bytecode, as Python leaves it",
    ),
    "pickle extra": (
        lambda b: (b / "mlflow/python_model.pkl").write_bytes(pickle.dumps(Payload(SENTINEL))),
        "not listed",
    ),
    "pickle listed": (lambda b: listed(b, "python_model.pkl", pickle.dumps(Payload(SENTINEL))), "has no place"),
    "file longer": (lambda b: (b / "model_card.md").write_text("longer"), "model_card.md: must have 7 bytes, got 6"),
    "file a link": (lambda b: linked(b / "model.onnx", "/etc/passwd"), "'model.onnx': must be a plain file, is a link"),
    "file a link inside": (lambda b: linked(b / "model.onnx", "mlflow/artifacts/model.onnx"), "is a link"),
    "file a pipe": (lambda b: piped(b / "golden.jsonl"), "'golden.jsonl': must be a plain file, is none"),
    "file a folder": (
        lambda b: ((b / "model_card.md").unlink(), (b / "model_card.md").mkdir()),
        "model_card.md: missing",
    ),
    "folder a link": (
        lambda b: ((b / "mlflow").rename(b.parent / "away"), (b / "mlflow").symlink_to(b.parent / "away")),
        "'mlflow': must be a plain file, is a link",
    ),
    "code changed": (lambda b: (b / "mlflow/serving_model.py").write_text(CODE), "mlflow/serving_model.py: must have"),
    "graph with files of its own": (
        lambda b: listed(b, "model.onnx", external(b)),
        "got 1 tensors kept in other files",
    ),
    "graph with other operators": (lambda b: listed(b, "model.onnx", foreign(b)), "1 other operators"),
    "graph in a graph": (lambda b: listed(b, "model.onnx", nested(b)), "2 nested graphs"),
    "graph that cannot run": (
        lambda b: listed(b, "model.onnx", failing(b)),
        "must score its feature rows, but it ends in",
    ),
    "graph no graph": (lambda b: listed(b, "model.onnx", b"\x00" * 100), "must be"),
    "graph a pickle": (lambda b: listed(b, "model.onnx", pickle.dumps(Payload(SENTINEL))), "must be"),
    "signature of another graph": (
        lambda b: listed(b, "signature.json", b'{"inputs": [], "outputs": [{"name": "probability"}]}'),
        "must have the 0 columns of signature.json, .* and 8 are there",
    ),
    "signature of other types": (
        lambda b: listed(
            b, "signature.json", (b / "signature.json").read_bytes().replace(b'"numeric"', b'"categorical"')
        ),
        "must have the 8 columns of signature.json, .* but 6 of them are not so",
    ),
    "signature a list": (lambda b: listed(b, "signature.json", b"[]"), "signature.json must list inputs"),
    "signature of a kind that is a list": (
        lambda b: listed(
            b, "signature.json", b'{"inputs": [{"name": "x", "kind": [], "optional": true}], "outputs": []}'
        ),
        "must have numeric or categorical inputs",
    ),
    "golden probability changed": (lambda b: listed(b, "golden.jsonl", wrong_golden(b)), "must keep their probability"),
    "golden a word": (lambda b: listed(b, "golden.jsonl", golden_line('"x"')(b)), "line 65 of golden.jsonl must have"),
    "golden without inputs": (
        lambda b: listed(b, "golden.jsonl", golden_line('{"inputs": {}, "probability": 0.5}')(b)),
        "line 65 of golden.jsonl must have the graph's 8 inputs",
    ),
    "golden too few": (lambda b: listed(b, "golden.jsonl", b""), "at least 50 lines, got 0"),
}

SENTINEL = Path("sentinel")
CODE = f"open({str(SENTINEL)!r}, 'w').close()\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_with_exit_2_and_runs_nothing(
    name: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    harm, message = HOSTILE[name]
    harm(bundle)
    with pytest.raises(InputError, match=message):
        verify_bundle(bundle)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    for arguments in (["verify"], ["score", "--input", "rows.csv", "--out", "scores.csv"]):
        monkeypatch.setattr("sys.argv", ["harbor", *arguments, "--bundle", str(bundle)])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
    assert not (tmp_path / SENTINEL).exists()
    assert not (tmp_path / "scores.csv").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_the_sentinel_would_tell_if_anything_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Payload(SENTINEL)))
    assert SENTINEL.exists()
    SENTINEL.unlink()
    exec(CODE)
    assert SENTINEL.exists()


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_one_changed_bit_in_any_file_is_refused(name: str, bundle: Path) -> None:
    if (bundle / name).stat().st_size == 0:
        (bundle / name).write_text("x")
    else:
        flipped(bundle / name, 1234)
    with pytest.raises(InputError, match=f"1 fault in the bundle(.|\n)*{name}: "):
        verify_bundle(bundle)


def test_whatever_is_changed_in_the_manifest_breaks_its_signature(case: Small, tmp_path: Path) -> None:
    built(case, tmp_path / "b", key=b"key")
    verify_bundle(tmp_path / "b", key=b"key")
    edited(tmp_path / "b", lambda content: content.update(gate={"passed": True}))
    with pytest.raises(InputError, match="must be the manifest's signature"):
        verify_bundle(tmp_path / "b", key=b"key")
    (tmp_path / "b/manifest.sig").unlink()
    (tmp_path / "b/manifest.sig").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="must be a plain file"):
        verify_bundle(tmp_path / "b", key=b"key")


def test_a_file_swapped_after_the_check_is_not_read(bundle: Path) -> None:
    checked = checked_bundle(bundle)
    flipped(bundle / "model.onnx", 99)
    with pytest.raises(InputError, match="changed while the bundle was being read"):
        checked.read("model.onnx")
    with pytest.raises(InputError, match="must be listed"):
        checked.read("../bundle/model.onnx")


def test_all_faults_are_named_at_once_and_counted(bundle: Path) -> None:
    for name in ("encoder.json", "booster.ubj", "features.json", "thresholds.json", "signature.json", "golden.jsonl"):
        (bundle / name).unlink()
    with pytest.raises(InputError, match=r"(?s)6 faults in the bundle.*booster.ubj: missing.*and 1 more"):
        checked_bundle(bundle)


def test_a_listing_is_judged_by_names_and_sizes_and_counts_every_fault() -> None:
    sound = dict.fromkeys(REQUIRED, 1) | {"manifest.json": 1, "manifest.sig": 1}
    assert listing_faults(sound) == []
    faults = listing_faults(sound | {"../escape": 1, "model_card.md": 1 << 40} | {f"x{i}": 1 for i in range(9)})
    assert len(faults) == 11
    assert faults[0] == "'../escape': has no place in a bundle"


def test_the_key_comes_from_the_configured_variable() -> None:
    assert signing_key("RELEASE_KEY", {"RELEASE_KEY": "k"}) == b"k"
    assert signing_key(environment={}) is None
    with pytest.raises(InputError, match=r"export.sign_key_env: .* must hold the key, but it is not set"):
        signing_key("RELEASE_KEY", {})


def test_a_bundle_folder_may_itself_be_a_link(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(bundle)
    assert verify_bundle(tmp_path / "current").rows == 64


def test_json_that_is_refused_is_not_quoted() -> None:
    with pytest.raises(InputError, match="cannot be parsed at line 1, column 1") as caught:
        parsed_json(b"secret", name="x")
    assert "secret" not in str(caught.value)


def test_scoring_refuses_a_changed_bundle_and_writes_nothing(bundle: Path, tmp_path: Path) -> None:
    flipped(bundle / "model.onnx", 5000)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"model\.onnx: changed"):
        score_file(bundle, tmp_path / "rows.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_random_bytes_for_a_manifest_are_refused_and_nothing_else(bundle: Path) -> None:
    rng = np.random.default_rng(0)
    original = (bundle / "manifest.json").read_bytes()
    for _ in range(200):
        content = bytearray(original)
        for place in rng.integers(0, len(content), size=3):
            content[place] = rng.integers(0, 256)
        (bundle / "manifest.json").write_bytes(content)
        try:
            checked_bundle(bundle)
        except InputError:
            continue
