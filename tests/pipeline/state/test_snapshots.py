import json
import shutil

import pytest

from features.online.state import Outcome
from pipeline.serve.engine import EngineOptions
from pipeline.state.event_log import log_segments
from pipeline.state.log_scan import scanned
from pipeline.state.snapshots import DIGEST, KEPT, compacted, log_end, newest_snapshot
from pipeline.state.state_files import checked_state
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError, held
from tests.fixtures.online_logs import KEYS
from tests.fixtures.serving import engine_of, served, some_rows, state_of, with_past

OPTIONS = EngineOptions(ahead=None, digest_every=25, segment_bytes=20_000)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return state_of(tmp_path_factory.mktemp("start") / "state", with_past(some_rows(60)))


@pytest.fixture
def engine(tmp_path, start):
    made = engine_of(tmp_path / "serve", start, OPTIONS)
    go_on(made, 60, 120)
    yield made
    made.close()


def go_on(engine, first, last):
    for number, row in enumerate(some_rows(last - first, seed=first, first=first, disorder=2.0)):
        served(engine, row)
        if number % 4 == 0:
            engine.label(row["transaction_id"], 1)


def test_a_snapshot_of_a_live_folder_is_where_serving_is_and_the_next_start_begins_with_it(engine, start):
    reached, path = compacted(engine.folder)
    assert (reached.offset, reached.history.state.digest()) == (engine.offset, engine.digest())
    assert reached.digests >= 1
    assert path.name == f"{engine.offset:020d}"
    go_on(engine, 120, 150)
    digest, offset = engine.digest(), engine.offset
    engine.close()
    again = engine_of(engine.folder, start, OPTIONS)
    assert again.digest() == digest
    assert (again.start.snapshot, again.start.replayed) == (reached.offset, again.offset - reached.offset)
    assert again.offset == offset + 1, "the digest at the end is a note"
    go_on(again, 150, 160)
    again.close()


def test_a_log_of_many_segments_comes_to_what_serving_is_at_every_length(engine, start):
    assert len(log_segments(engine.folder)) > 3
    digests = {}
    for row in some_rows(6, seed=9, first=200):
        served(engine, row)
        digests[engine.offset] = engine.digest()
    for end, digest in digests.items():
        assert log_end(engine.folder, start).offset == engine.offset
        part = engine.folder.parent / f"part{end}"
        shutil.copytree(engine.folder, part)
        first, path = log_segments(part)[-1]
        segment = scanned(path, first, features_sha256=engine.features_sha256)
        if end >= first:
            path.write_bytes(path.read_bytes()[: segment.places[end - first]])
            assert log_end(part, start).history.state.digest() == digest


def test_a_damaged_snapshot_falls_back_to_the_one_before_and_to_the_start(engine, start):
    first, _ = compacted(engine.folder)
    go_on(engine, 120, 130)
    second, path = compacted(engine.folder)
    words = bytearray((path / "words.bin").read_bytes())
    words[len(words) // 2] ^= 1
    (path / "words.bin").write_bytes(bytes(words))
    reached, faults = newest_snapshot(engine.folder, start, keys=KEYS, end=engine.offset)
    assert (reached.offset, len(faults)) == (first.offset, 1)
    assert "must be as manifest.json lists it, but it has changed" in faults[0]
    shutil.rmtree(path.parent / f"{first.offset:020d}" / "preset")
    (path.parent / f"{first.offset:020d}" / "manifest.json").write_text("{")
    digest = engine.digest()
    engine.close()
    again = engine_of(engine.folder, start, OPTIONS)
    assert (again.start.snapshot, len(again.start.faults), again.digest()) == (0, 2, digest)
    again.close()
    assert second.offset > first.offset


def test_a_snapshot_that_saw_more_than_the_log_has_is_left_aside(engine, start):
    compacted(engine.folder)
    reached, faults = newest_snapshot(engine.folder, start, keys=KEYS, end=engine.offset - 1)
    assert reached.offset == 0
    assert "must lie within the log, which ends at" in faults[0]


def test_a_snapshot_of_another_state_is_left_aside(engine, start):
    _, path = compacted(engine.folder)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"key_column": None}))
    _, faults = newest_snapshot(engine.folder, start, keys=KEYS, end=None)
    assert "but key_column is another" in faults[0]


def test_an_answer_or_a_digest_that_the_events_do_not_come_to_is_found_and_nothing_is_written(engine):
    taken = engine.take(some_rows(1, seed=9, first=200)[0])
    assert taken.outcome == Outcome.EXACT
    taken.answers[0] += 1
    engine.keep(taken, b"")
    engine.note({DIGEST: "0" * 64, "at": engine.offset})
    reached, path = compacted(engine.folder)
    assert (reached.differing, reached.wrong, path) == (1, (engine.offset - 1,), None)
    assert not list((engine.folder / "snapshots").glob("0*"))


def test_the_newest_snapshots_stay_and_a_second_process_is_told_so(engine):
    for number in range(KEPT + 2):
        go_on(engine, 200 + 10 * number, 203 + 10 * number)
        compacted(engine.folder)
    assert len(list((engine.folder / "snapshots").glob("0*"))) == KEPT
    with held(engine.folder / "snapshots" / "lock", ""), pytest.raises(LockedError, match="is writing a snapshot of"):
        compacted(engine.folder)


def test_a_state_may_go_elsewhere_and_no_log_is_no_state(engine, tmp_path):
    reached, path = compacted(engine.folder, tmp_path / "after")
    assert path == tmp_path / "after"
    assert checked_state(path).manifest["digest"] == engine.digest() == reached.history.state.digest()
    with pytest.raises(InputError, match=r"manifest\.json must be a plain file"):
        compacted(tmp_path / "nowhere")
