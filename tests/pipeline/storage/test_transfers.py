"""What a command names by address is fetched before its work and sent after it."""

import json

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.errors import InputError as FeaturesInputError
from pipeline.storage import download_cache as downloads
from pipeline.storage.done import folder_checksums
from pipeline.storage.errors import InputError
from pipeline.storage.transfers import local_file, named_by_address, sent_beside, written_file
from tests.fixtures.stores import (
    counted,
    parquet,
)


def test_a_bundle_in_a_store_is_verified_and_scores_from_and_to_it(store, harbor, small_run, tmp_path):
    bundle = small_run / "export" / "bundle"
    for name in folder_checksums(bundle):
        store.child(f"bundle/{name}").send(bundle / name)
    code, told = harbor("verify", "--bundle", f"{store.uri}/bundle")
    assert (code, told.startswith("verified: ")) == (0, True), told
    rows = small_run / "features" / "features.parquet"
    store.child("rows.parquet").send(rows)
    far, near = f"{store.uri}/scored.parquet", tmp_path / "scored.parquet"
    code, told = harbor(
        "score", "--bundle", f"{store.uri}/bundle", "--input", f"{store.uri}/rows.parquet", "--out", far
    )
    assert code == 0, told
    assert harbor("score", "--bundle", f"file://{bundle}", "--input", f"file://{rows}", "--out", near)[0] == 0
    assert store.child("scored.parquet").content(limit=1 << 30) == near.read_bytes()


def test_a_bundle_in_a_store_is_refused_before_anything_foreign_is_fetched(store, harbor, small_run, monkeypatch):
    bundle = small_run / "export" / "bundle"
    for name in folder_checksums(bundle):
        store.child(name).send(bundle / name)
    store.child("golden.jsonl").put(b"{}")
    code, told = harbor("verify", "--bundle", store.uri)
    assert (code, f"in the bundle {store.uri}" in told, "golden.jsonl" in told) == (2, True, True)
    store.child("extra.pkl").put(b"x")
    fetched = []
    monkeypatch.setattr(downloads.Remote, "fetch", counted(downloads.Remote.fetch, fetched))
    code, told = harbor("verify", "--bundle", store.uri)
    assert (code, "'extra.pkl': has no place in a bundle" in told, fetched) == (2, True, [])


def test_outcomes_in_a_store_get_their_report_beside_them(store, harbor, small_run):
    bundle = small_run / "export" / "bundle"
    for name in folder_checksums(bundle):
        store.child(f"bundle/{name}").send(bundle / name)
    table = pq.read_table(small_run / "features" / "features.parquet", filters=pc.field("fold") == "test")
    store.child("outcomes.parquet").put(parquet(table))
    options = ("--set", "evaluation.resamples=100", "--set", "evaluation.slice_resamples=100")
    code, told = harbor(
        "evaluate", "--bundle", f"{store.uri}/bundle", "--outcomes", f"{store.uri}/outcomes.parquet", *options
    )
    assert code == 0, told
    assert f"{store.uri}/outcomes.report.json" in told
    assert json.loads(store.child("outcomes.report.json").content(limit=1 << 20))["metrics"]


def test_a_plain_path_is_used_where_it_lies(tmp_path):
    (tmp_path / "rows.csv").write_text("x")
    with local_file(f"file://{tmp_path}/rows.csv") as path:
        assert path == tmp_path / "rows.csv"
    with written_file(str(tmp_path / "out.csv")) as path:
        assert path == tmp_path / "out.csv"
    assert sent_beside(tmp_path / "out.json", str(tmp_path / "out.csv")) == str(tmp_path / "out.json")


def test_nothing_is_sent_where_the_work_failed(store):
    def fail():
        with written_file(f"{store.uri}/out.csv") as path:
            path.write_text("half")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert store.files() == {}


def test_a_refusal_names_the_address_and_not_the_copy(tmp_path):
    with (
        pytest.raises(InputError, match=r"^s3://bucket/rows\.csv must be CSV$"),
        named_by_address(tmp_path, "s3://bucket/rows.csv"),
    ):
        raise FeaturesInputError(f"{tmp_path} must be CSV")
    with pytest.raises(InputError, match=r"gone\.csv does not exist"), local_file(f"file://{tmp_path}/x") as path:
        raise InputError(f"{path.with_name('gone.csv')} does not exist")
