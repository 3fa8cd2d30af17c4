import numpy as np
import pytest

from pipeline.serve.serving_folder import begun_state, cut_torn_end, locked_folder, writable_end
from pipeline.state.event_log import NOTE, START_BYTES, LoggedEvent, segment_start
from pipeline.state.log_scan import scanned
from pipeline.state.log_writer import LogWriter
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError
from tests.fixtures.serving import some_rows, state_of

DIGEST = "ab" * 32


def log_of(folder, count, offset=0):
    folder.mkdir(exist_ok=True)
    with LogWriter(folder, offset=offset, features_sha256=DIGEST) as log:
        for number in range(count):
            log.append(LoggedEvent(NOTE, np.empty(0, np.int64), number, row={"number": number}).record())
    return folder / f"{offset:020d}.seg"


def test_the_state_of_the_first_call_is_kept_and_another_of_its_features_changes_nothing(tmp_path):
    first, later = state_of(tmp_path / "first"), state_of(tmp_path / "later", some_rows(5))
    begun = begun_state(tmp_path / "serve", first)
    again = begun_state(tmp_path / "serve", later)
    assert begun.manifest == again.manifest == first.manifest
    assert again.folder == tmp_path / "serve" / "state"


def test_a_folder_is_held_by_one_process_and_let_go_at_the_end(tmp_path):
    for _ in range(2):
        with locked_folder(tmp_path / "serve"):
            again = locked_folder(tmp_path / "serve")
            with pytest.raises(LockedError, match="another server is at work on"):
                again.__enter__()


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        folder = locked_folder(path)
        with pytest.raises((InputError, OSError), match="file"):
            folder.__enter__()


def test_a_whole_log_is_left_as_it_is(tmp_path):
    path = log_of(tmp_path / "serve", 3)
    content = path.read_bytes()
    assert cut_torn_end(tmp_path / "serve", features_sha256=DIGEST) == (3, None)
    assert path.read_bytes() == content
    assert writable_end(scanned(path, 0, features_sha256=DIGEST)) == path
    assert cut_torn_end(tmp_path, features_sha256=DIGEST) == (0, None)
    assert writable_end(None) is None


def test_a_torn_end_goes_aside_and_a_segment_that_never_began_goes(tmp_path):
    path = log_of(tmp_path / "serve", 3)
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    assert writable_end(scanned(path, 0, features_sha256=DIGEST)) is None
    end, torn = cut_torn_end(tmp_path / "serve", features_sha256=DIGEST)
    assert (end, torn.segment, torn.size) == (2, path, len(torn.aside.read_bytes()))
    assert path.read_bytes() + torn.aside.read_bytes() == content[:-4]
    begun = tmp_path / "serve" / f"{2:020d}.seg"
    begun.write_bytes(segment_start(DIGEST)[: START_BYTES - 1])
    assert cut_torn_end(tmp_path / "serve", features_sha256=DIGEST) == (2, None)
    assert not begun.exists()


def test_damage_in_front_of_a_whole_record_is_refused_and_nothing_is_cut(tmp_path):
    path = log_of(tmp_path / "serve", 3)
    content = bytearray(path.read_bytes())
    content[START_BYTES + 12] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="must hold whole records, but the one at byte 40 has changed"):
        cut_torn_end(tmp_path / "serve", features_sha256=DIGEST)
    assert path.read_bytes() == bytes(content)
