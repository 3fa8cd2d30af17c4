"""What a bundle is made of, and when none is made."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from pipeline.bundle.manifest import REQUIRED
from pipeline.sections import ExportConfig
from pipeline.stages.export.build import build_bundle
from tests.fixtures.bundles import RECORD, built, contents, golden
from tests.oracles.python_path import Small, small


def test_the_manifest_lists_every_file_and_the_record(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    present = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == present - {"manifest.json"} == REQUIRED
    assert {name: manifest[name] for name in RECORD} == RECORD
    assert manifest["parity"]["rows"] == 1500


def test_the_same_contents_give_the_same_bytes_at_another_place(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "a folder of another length" / "b"
    built(small(), other)
    for path in (path for path in bundle.rglob("*") if path.is_file()):
        assert path.read_bytes() == (other / path.relative_to(bundle)).read_bytes(), path.name


def test_no_file_holds_a_path_of_this_machine_or_a_pickle(bundle: Path) -> None:
    for path in (path for path in bundle.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert path.suffix not in {".pkl", ".pickle", ".pt", ".joblib"}
        for text in (str(bundle.parent), str(Path.cwd()), str(Path.home()), "/tmp/", "file://"):
            assert text.encode() not in content, (path.name, text)


def test_golden_rows_name_the_inputs_of_the_graph_and_replay_with_onnxruntime_alone(bundle: Path) -> None:
    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"), providers=["CPUExecutionProvider"])
    kinds = {each.name: each.type for each in session.get_inputs()}
    rows = golden(bundle)
    assert len(rows) >= 50
    for row in rows:
        assert set(row["inputs"]) == set(kinds)
        feed = {
            name: np.array([[value]], dtype=object)
            if kinds[name] == "tensor(string)"
            else np.array([[np.nan if value is None else value]], dtype=np.float32)
            for name, value in row["inputs"].items()
        }
        assert session.run(["probability"], feed)[0].item() == pytest.approx(row["probability"], abs=1e-6)


def test_golden_rows_span_the_probabilities_and_hold_missing_values(bundle: Path, case: Small) -> None:
    rows, expected = golden(bundle), case.expected()["hybrid"]
    probabilities = [row["probability"] for row in rows]
    assert min(probabilities) == pytest.approx(expected.min(), abs=1e-6)
    assert max(probabilities) == pytest.approx(expected.max(), abs=1e-6)
    values = [value for row in rows for value in row["inputs"].values()]
    assert None in values
    assert "" in values


def test_a_graph_that_differs_from_the_python_path_is_not_exported(case: Small, tmp_path: Path) -> None:
    wrong = {name: np.where(np.arange(1500) == 7, 0.5, values) for name, values in case.expected().items()}
    with pytest.raises(ValueError, match=r"must agree on 1,500 rows, but they differ: 'logistic' in 1"):
        build_bundle(tmp_path / "b", contents(case, expected=wrong), config=ExportConfig())


def test_too_few_rows_for_the_golden_ones_are_refused(case: Small, tmp_path: Path) -> None:
    few = {name: values[:49] for name, values in case.expected().items()}
    with pytest.raises(ValueError, match="golden rows need at least 50 feature rows, got 49"):
        build_bundle(tmp_path / "b", contents(case, rows=case.table.slice(0, 49), expected=few), config=ExportConfig())


def test_a_bundle_beyond_its_size_is_refused(case: Small, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at most 1,000 bytes \(export\.max_bytes\)"):
        build_bundle(tmp_path / "b", contents(case), config=ExportConfig(max_bytes=1000))


def test_a_candidate_without_trees_may_differ_in_no_row_and_one_with_trees_in_few(case: Small, tmp_path: Path) -> None:
    flipped = {
        name: np.where(np.arange(1500) < 3, 1 - values, values) if name == "xgboost" else values
        for name, values in case.expected().items()
    }
    found = build_bundle(tmp_path / "b", contents(case, expected=flipped), config=ExportConfig())
    assert found.flipped["xgboost"] == 3


def test_networks_that_are_equal_are_written_once(tmp_path: Path) -> None:
    case = small(form="none")
    head = case.parts.networks["mlp"]
    built(case.changed(networks=dict.fromkeys(("mlp", "mlp_unsmoothed"), head)), tmp_path / "b")
    owners = json.loads((tmp_path / "b" / "calibrator.json").read_text())["tensors"]
    assert owners == {"mlp": "mlp", "mlp_unsmoothed": "mlp"}
