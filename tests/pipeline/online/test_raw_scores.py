"""Raw transactions scored from a state, beside the scores of a run that had all of them."""

import json
import shutil

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.online.raw_scores import score_transactions
from pipeline.state.state_files import features_digest
from pipeline.storage.errors import InputError
from tests.fixtures.equal_tables import assert_equal_columns, by_id


def test_raw_rows_have_the_scores_of_the_run(small_run, raw, early, tmp_path):
    out, bundle = tmp_path / "scores.parquet", small_run / "export" / "bundle"
    scored = score_transactions(bundle, early, [str(raw)], out, state_out=tmp_path / "after")
    ours, theirs = by_id(pq.read_table(out)), by_id(pq.read_table(small_run / "evaluate" / "scores.parquet"))
    assert scored.rows == ours.num_rows
    ours = ours.filter(pc.is_in(ours["transaction_id"], theirs["transaction_id"]))
    assert_equal_columns(ours, theirs, ["transaction_id"])
    for name in ("logistic", "mlp", "xgboost", "hybrid"):
        np.testing.assert_allclose(ours[name].to_numpy(), theirs[name].to_numpy(), rtol=0, atol=1e-6)
    exported = json.loads((small_run / "export" / "state" / "manifest.json").read_text())
    after = json.loads((tmp_path / "after" / "manifest.json").read_text())
    assert (after["rows"], after["last_event"]) == (exported["rows"], exported["last_event"])


def test_a_bundle_of_other_features_is_refused(small_run, early, raw, tmp_path):
    shutil.copytree(early, tmp_path / "state")
    path = tmp_path / "state" / "features.json"
    path.write_text(path.read_text() + "\n")
    manifest = json.loads((tmp_path / "state" / "manifest.json").read_text())
    digest, size = features_digest(path.read_text()), path.stat().st_size
    manifest |= {"features_sha256": digest}
    manifest["files"]["features.json"] = {"sha256": digest, "bytes": size}
    (tmp_path / "state" / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match=r"but their features\.json differ"):
        score_transactions(small_run / "export" / "bundle", tmp_path / "state", [str(raw)], out)
    assert not out.exists()
