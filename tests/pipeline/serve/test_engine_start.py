import pytest

from pipeline.serve.engine_start import EngineOptions, restored
from pipeline.serve.serving_folder import begun_state
from pipeline.state.snapshots import compacted
from pipeline.storage.errors import InputError
from tests.fixtures.online_logs import KEYS
from tests.fixtures.serving import engine_of, served, some_rows, state_of, with_past

OPTIONS = EngineOptions(ahead=None, digest_every=0, segment_bytes=5_000)


@pytest.fixture
def folder(tmp_path):
    """A folder of several segments, and the state that it came to."""
    start = state_of(tmp_path / "state", with_past(some_rows(60)))
    engine = engine_of(tmp_path / "serve", start, OPTIONS)
    for row in some_rows(40, seed=2, first=60):
        served(engine, row)
    if engine.offset == 40:
        compacted(engine.folder)
    for row in some_rows(10, seed=2, first=100):
        served(engine, row)
    digest = engine.digest()
    engine.close()
    return tmp_path / "serve", start, digest


def again(folder, start):
    found = restored(folder, begun_state(folder, start), KEYS, OPTIONS)
    found.events.close()
    return found


def test_whichever_snapshot_there_is_the_state_and_the_index_are_those_of_the_end(folder):
    folder, start, digest = folder
    begins = []
    for lost in (None, "index.sqlite", "snapshots"):
        if lost is not None:
            (folder / lost).rename(folder.parent / f"lost-{lost}")
        found = again(folder, start)
        begins.append(found.start.snapshot)
        assert (found.history.state.digest(), found.events.log.offset, found.events.index.covered) == (digest, 50, 50)
        assert found.start.replayed == 50 - found.start.snapshot
    assert begins == [40, 40, 0]


def test_segments_before_the_snapshot_are_not_needed_and_those_behind_it_are(folder):
    folder, start, digest = folder
    segments = sorted(folder.glob("*.seg"))
    behind = [path for path in segments if int(path.stem) > 40]
    assert behind
    segments[0].rename(folder.parent / "old.seg")
    assert again(folder, start).history.state.digest() == digest
    behind[0].rename(folder.parent / "new.seg")
    with pytest.raises(InputError, match=r"must begin at the event that follows|must lie within"):
        again(folder, start)
