"""`harbor verify`: a sound bundle says so, another one says what is wrong, and no model library is needed for it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.bundle.verify import verify_bundle
from tests.fixtures.bundles import built, golden, listed
from tests.oracles.python_path import Small

KEY = b"a key of the release team"


def test_a_bundle_verifies_and_says_so(bundle: Path) -> None:
    outcome = verify_bundle(bundle)
    assert outcome.rows == 64
    assert outcome.difference < 1e-6
    assert "64 golden rows of 'hybrid'" in outcome.summary
    assert outcome.explained is None


def test_golden_reasons_are_replayed_where_a_bundle_has_them(reasoned: Path) -> None:
    outcome = verify_bundle(reasoned)
    assert outcome.explained == 8
    assert outcome.summary.endswith("reasons of 8 as before")


def test_a_golden_row_whose_probability_moved_is_refused(bundle: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    row = golden(moved)[0]
    content = (moved / "golden.jsonl").read_text()
    listed(moved, "golden.jsonl", content.replace(str(row["probability"]), str(row["probability"] + 2e-5)).encode())
    with pytest.raises(ValueError, match=r"must keep their probability to 1e-05, got one 2\.0e-05 away"):
        verify_bundle(moved)


def test_a_signed_bundle_verifies_with_its_key_alone(case: Small, tmp_path: Path) -> None:
    built(case, tmp_path / "b", key=KEY)
    assert verify_bundle(tmp_path / "b", key=KEY).signed
    assert not verify_bundle(tmp_path / "b").signed
    with pytest.raises(ValueError, match="must be the manifest's signature"):
        verify_bundle(tmp_path / "b", key=b"another")


def test_a_bundle_without_signature_is_refused_where_a_key_is_set(bundle: Path) -> None:
    with pytest.raises(ValueError, match=r"a key is set, so .* must have a manifest\.sig"):
        verify_bundle(bundle, key=KEY)


def test_verifying_loads_no_model_library_and_no_pandas(small_run: Path) -> None:
    code = """
import sys
from pathlib import Path
from pipeline.bundle.verify import verify_bundle
verify_bundle(Path(sys.argv[1]))
print(*{name.partition(".")[0] for name in sys.modules})
"""
    bundle = small_run / "export" / "bundle"
    done = subprocess.run([sys.executable, "-c", code, str(bundle)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"onnxruntime", "pipeline"} <= loaded
    assert not loaded & {"torch", "xgboost", "sklearn", "scipy", "numba", "pandas", "mlflow", "matplotlib"}
