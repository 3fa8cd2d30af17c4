"""A bundle answers only once it has been checked against its manifest, the state's features and its golden rows."""

import json
import shutil

import numpy as np
import pytest

from pipeline.serve.deployment import deployed
from pipeline.state.state_files import checked_state
from tests.fixtures.bundles import golden, listed


@pytest.fixture
def copied(small_run, tmp_path):
    return shutil.copytree(small_run / "export" / "bundle", tmp_path / "bundle")


def made(folder, small_run, **given):
    state = checked_state(small_run / "export" / "state")
    values = {"spec": state.spec, "features_sha256": state.manifest["features_sha256"], "key": None} | given
    return deployed(folder, **values)


def test_what_is_made_gives_the_golden_probabilities(copied, small_run):
    deployment, row = made(copied, small_run, version="7"), golden(copied)[3]
    signature = deployment.scorer.signature
    numbers = np.array([[row["inputs"][name] for name in signature.numeric]], float).astype(np.float32)
    texts = {name: np.array([[row["inputs"][name]]], object) for name in signature.categorical}
    assert deployment.probability(numbers, texts) == pytest.approx(row["probability"], abs=1e-6)
    assert list(deployment.golden) == sorted(each["probability"] for each in golden(copied))
    shutil.rmtree(copied)
    assert deployment.probability(numbers, texts) == pytest.approx(row["probability"], abs=1e-6)


def test_a_changed_file_is_refused(copied, small_run):
    with (copied / "model.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ValueError, match=r"model\.onnx"):
        made(copied, small_run)


def test_golden_rows_with_other_probabilities_are_refused(copied, small_run):
    rows = golden(copied)
    rows[0]["probability"] = 1 - rows[0]["probability"]
    listed(copied, "golden.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    with pytest.raises(ValueError, match="must keep their probability"):
        made(copied, small_run)


def test_another_specification_is_refused(copied, small_run):
    with pytest.raises(ValueError, match=r"their features\.json differ"):
        made(copied, small_run, features_sha256="0" * 64)


def test_an_unsigned_bundle_is_refused_where_a_key_is_set(copied, small_run):
    with pytest.raises(ValueError, match=r"must have a manifest\.sig"):
        made(copied, small_run, key=b"a key")
