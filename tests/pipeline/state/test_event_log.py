import struct
import zlib

import numpy as np
import pytest

from pipeline.state.event_log import LABEL, ROW, LoggedEvent, logged_events
from pipeline.state.log_writer import LogWriter
from pipeline.storage.errors import InputError

DIGEST = "ab" * 32


def event(number, kind=ROW):
    words = np.arange(number, number + 9)
    answers = np.array([number, np.nan], np.float32) if kind == ROW else np.empty(0, np.float32)
    told = {"answer": b"told \x00", "model": 3} if kind == ROW else {}
    return LoggedEvent(kind, words, number, answers=answers, row={"transaction_id": f"t{number}"}, **told)


def written(folder, events, offset=0):
    with LogWriter(folder, offset=offset, features_sha256=DIGEST) as writer:
        for each in events:
            writer.append(each.record())
    return folder / f"{offset:020d}.seg"


def records(folder):
    return [each.record() for each in logged_events(folder, features_sha256=DIGEST)]


def test_events_come_back_as_they_were_over_segments(tmp_path):
    events = [event(number, ROW if number % 3 else LABEL) for number in range(7)]
    written(tmp_path, events[:4])
    written(tmp_path, events[4:], offset=4)
    assert records(tmp_path) == [each.record() for each in events]


def test_a_log_that_was_cut_at_any_byte_has_the_events_before(tmp_path):
    events = [event(number) for number in range(3)]
    path = written(tmp_path, events)
    content, sizes = path.read_bytes(), np.cumsum([len(each.record()) for each in events])
    begin = len(content) - sizes[-1]
    for cut in range(begin, len(content) + 1):
        path.write_bytes(content[:cut])
        assert len(records(tmp_path)) == int((sizes <= cut - begin).sum())


def test_a_process_goes_on_behind_a_torn_end(tmp_path):
    path = written(tmp_path, [event(0), event(1)])
    path.write_bytes(path.read_bytes()[:-3])
    written(tmp_path, [event(1)], offset=1)
    assert records(tmp_path) == [event(0).record(), event(1).record()]


def test_a_changed_byte_a_lost_segment_and_another_specification_are_refused(tmp_path):
    path = written(tmp_path, [event(0), event(1)])
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    with pytest.raises(InputError, match="has none"):
        logged_events(tmp_path / "nowhere", features_sha256=DIGEST)
    with pytest.raises(InputError, match="of the features of its state"):
        logged_events(tmp_path, features_sha256="cd" * 32)
    path.rename(tmp_path / f"{5:020d}.seg")
    with pytest.raises(InputError, match="must begin at the event that follows the ones before it, 0"):
        records(tmp_path)
    path.write_bytes(bytes(content))
    (tmp_path / f"{5:020d}.seg").unlink()
    with pytest.raises(InputError, match=r"the one at byte \d+ has changed"):
        records(tmp_path)


def test_a_log_of_the_first_format_reads_as_it_did(tmp_path):
    head = struct.Struct("<BBHIqq").pack(ROW, 0, 9, 2, 5, 7)
    content = head + np.arange(9).tobytes() + np.array([1, 2], "<f4").tobytes() + b'{"transaction_id": "t"}'
    frame = struct.pack("<II", len(content), zlib.crc32(content))
    (tmp_path / f"{0:020d}.seg").write_bytes(b"HARBOR\x01\n" + bytes.fromhex(DIGEST) + frame + content)
    (found,) = logged_events(tmp_path, features_sha256=DIGEST)
    assert (found.kind, found.moment, found.old, found.model, found.answer) == (ROW, 5, 7, -1, b"")
    assert (found.words.tolist(), found.answers.tolist(), found.row) == ([*range(9)], [1, 2], {"transaction_id": "t"})
