"""Raw transactions through a state, beside the features and scores of a run that had all of them."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.online.state import Outcome
from features.simulate.simulated import simulate_transactions
from pipeline.online.raw_scores import raw_features, score_transactions
from pipeline.runs.settings import read_settings
from pipeline.stages.export.online_state import write_state_of_run
from pipeline.state.state_files import checked_state, features_digest, write_next_state
from pipeline.storage.errors import InputError


@pytest.fixture(scope="module")
def raw(small_run, tmp_path_factory):
    """The rows of the run as a file, in no order."""
    data = read_settings(small_run).config.data
    table = simulate_transactions(data.rows, seed=data.seed).transactions
    path = tmp_path_factory.mktemp("raw") / "raw.parquet"
    pq.write_table(table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows))), path)
    return path


@pytest.fixture(scope="module")
def early(small_run, tmp_path_factory):
    """The state of the run as it was when its test fold began."""
    test = pq.read_table(small_run / "evaluate" / "scores.parquet", columns=["event_time"])["event_time"]
    begin = pc.min(test).cast(pa.int64()).as_py()
    return state_until(small_run, tmp_path_factory.mktemp("state") / "early", begin - 1)


def state_until(run, folder, until):
    folder.mkdir()
    config = read_settings(run).config
    spec = run / "features" / "spec.json"
    write_state_of_run(run / "ingest", spec, folder, config=config, until=until)
    return folder


def batch_features(small_run, after):
    table = pq.read_table(small_run / "features" / "features.parquet")
    return table.filter(pc.greater(table["event_time"].cast(pa.int64()), after))


def by_id(table):
    """Rows of one moment stand in the order of their file."""
    return table.sort_by("transaction_id")


def assert_equal_columns(ours, theirs, names):
    for name in names:
        one, other = ours[name].combine_chunks(), theirs[name].combine_chunks()
        assert one.type == other.type, name
        if pa.types.is_floating(one.type):
            one, other = one.to_numpy(zero_copy_only=False), other.to_numpy(zero_copy_only=False)
            assert np.array_equal(one, other, equal_nan=True), name
        else:
            assert one.equals(other), name


def test_raw_rows_behind_a_state_have_the_features_and_scores_of_the_run(small_run, raw, early, tmp_path):
    stored = checked_state(early)
    found = raw_features(stored, [str(raw)])
    expected = batch_features(small_run, stored.newest)
    ids = found.features.append_column("transaction_id", found.rows["transaction_id"])
    assert_equal_columns(by_id(ids), by_id(expected), ["transaction_id", *stored.spec.names])
    assert set(found.outcomes) - {Outcome.EXACT} == {Outcome.REPEATED}
    out = tmp_path / "scores.parquet"
    bundle = small_run / "export" / "bundle"
    scored = score_transactions(bundle, early, [str(raw)], out, state_out=tmp_path / "after")
    ours, theirs = by_id(pq.read_table(out)), by_id(pq.read_table(small_run / "evaluate" / "scores.parquet"))
    assert scored.rows == ours.num_rows == expected.num_rows
    ours = ours.filter(pc.is_in(ours["transaction_id"], theirs["transaction_id"]))
    assert_equal_columns(ours, theirs, ["transaction_id"])
    for name in ("logistic", "mlp", "xgboost", "hybrid"):
        np.testing.assert_allclose(ours[name].to_numpy(), theirs[name].to_numpy(), rtol=0, atol=1e-6)
    exported = json.loads((small_run / "export" / "state" / "manifest.json").read_text())
    after = json.loads((tmp_path / "after" / "manifest.json").read_text())
    assert (after["rows"], after["last_event"]) == (exported["rows"], exported["last_event"])


def test_rows_in_two_files_have_the_features_of_one_file(raw, early, tmp_path):
    stored = checked_state(early)
    whole, table = raw_features(stored, [str(raw)]), pq.read_table(raw).sort_by("event_time")
    times = table["event_time"].cast(pa.int64()).to_numpy()
    middle = int(np.searchsorted(times, (stored.newest + times[-1]) // 2))
    parts = []
    for number, part in enumerate((table.slice(0, middle), table.slice(middle))):
        pq.write_table(part, tmp_path / f"{number}.parquet")
        found = raw_features(stored, [str(tmp_path / f"{number}.parquet")])
        parts.append(found.features)
        write_next_state(tmp_path / f"after-{number}", stored, found.after)
        stored = checked_state(tmp_path / f"after-{number}")
    both = pa.concat_tables(parts)
    assert_equal_columns(both, whole.features, both.column_names)


def test_live_rows_need_no_labels_and_other_columns_are_read_as_before(raw, early, tmp_path):
    live = pq.read_table(raw).drop_columns(["label", "label_available_at"])
    pq.write_table(live, tmp_path / "live.parquet")
    stored = checked_state(early)
    ours, with_labels = raw_features(stored, [str(tmp_path / "live.parquet")]), raw_features(stored, [str(raw)])
    counts = [name for name in ours.features.column_names if name.endswith("_count") and "fraud" not in name]
    counts = [name for name in counts if "label" not in name]
    assert_equal_columns(ours.features, with_labels.features, counts)


def test_a_bundle_of_other_features_is_refused(small_run, early, raw, tmp_path):
    shutil.copytree(early, tmp_path / "state")
    path = tmp_path / "state" / "features.json"
    path.write_text(path.read_text() + "\n")
    manifest = json.loads((tmp_path / "state" / "manifest.json").read_text())
    manifest["features_sha256"] = features_digest(path.read_text())
    manifest["files"]["features.json"]["bytes"] += 1
    (tmp_path / "state" / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match=r"but their features\.json differ"):
        score_transactions(small_run / "export" / "bundle", tmp_path / "state", [str(raw)], out)
    assert not out.exists()
