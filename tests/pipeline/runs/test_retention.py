"""Old runs go, but none in production and none that somebody works in."""

from hashlib import sha256

from filelock import FileLock

from pipeline.runs.retention import remove_old_runs, remove_old_stored_runs
from pipeline.storage.content import write_json
from pipeline.storage.digests import sha256_file
from tests.fixtures.retrains import retrained
from tests.fixtures.stores import filled


def test_old_runs_go_from_the_store_but_none_in_production_and_none_in_work(store, tmp_path):
    days = [f"night-2024010{day}T000000Z" for day in range(1, 6)]
    for day in days:
        filled(store.child(day), {"ingest/DONE": b"{}", "export/bundle/manifest.json": day.encode()})
    store.child(f"{days[1]}/.claims/somebody").put(b'{"state": "held"}')
    kept = {sha256(days[0].encode()).hexdigest()}
    gone = remove_old_stored_runs(store.uri, "night", keep=2, current=tmp_path / days[4], in_production=kept)
    assert gone == (days[2],)
    assert {name.partition("/")[0] for name in store.files()} == set(days) - {days[2]}


def test_a_backfilled_run_and_the_runs_in_production_stay_however_old(tmp_path):
    for day in ("2024-05-01", "2024-05-02", "2024-05-03"):
        manifest = retrained(tmp_path, day).folder / "export" / "bundle" / "manifest.json"
        write_json(manifest, {"day": day})
    champion = sha256_file(tmp_path / "night-20240501T000000Z" / "export" / "bundle" / "manifest.json")
    current = tmp_path / "night-20240502T000000Z"
    assert remove_old_runs(tmp_path, "night", keep=1, current=current, in_production={champion}) == ()
    assert remove_old_runs(tmp_path, "night", keep=1, current=current, in_production=set()) == (
        "night-20240501T000000Z",
    )


def test_a_run_somebody_works_in_stays_and_what_a_kill_left_goes(tmp_path):
    for day in ("2024-05-01", "2024-05-02"):
        retrained(tmp_path, day)
    (tmp_path / ".partial-night-20240401T000000Z").mkdir()
    old, new = tmp_path / "night-20240501T000000Z", tmp_path / "night-20240502T000000Z"
    with FileLock(old / ".lock"):
        assert remove_old_runs(tmp_path, "night", keep=1, current=new, in_production=set()) == ()
    assert remove_old_runs(tmp_path, "night", keep=1, current=new, in_production=set()) == (old.name,)
    assert not list(tmp_path.glob(".partial*"))
