import zlib

import numpy as np
import pytest

from features.windows.groups import read_only
from pipeline.state import log_scan
from pipeline.state.event_log import LABEL, NOTE, ROW, START_BYTES, LoggedEvent, logged_events
from pipeline.state.log_scan import read_event, scanned, segments_since
from pipeline.state.log_writer import LogWriter
from pipeline.storage.errors import InputError

DIGEST = "ab" * 32


def event(number):
    kind = (ROW, LABEL, NOTE)[number % 3]
    words = np.arange(number, number + 9 * (kind != NOTE))[: 9 * (kind != NOTE)]
    answers = np.array([number, np.nan], np.float32) if kind == ROW else np.empty(0, np.float32)
    return LoggedEvent(kind, words, number, 1, -5, answers, {"transaction_id": f"t{number}"}, number, b"a" * number)


def written(folder, numbers, **given):
    with LogWriter(folder, offset=numbers[0], features_sha256=DIGEST, **given) as log:
        for number in numbers:
            log.append(event(number).record())
    return folder / f"{numbers[0]:020d}.seg"


def test_the_checksum_is_that_of_zlib_at_every_length_and_place():
    content = np.random.default_rng(1).integers(0, 256, 60).astype(np.uint8)
    for start in range(9):
        for end in range(start, 60):
            expected = zlib.crc32(content[start:end].tobytes())
            assert int(log_scan.checksum(read_only(content), start, end)) == expected


def test_records_side_by_side_are_those_that_objects_say(tmp_path):
    path = written(tmp_path, range(20))
    segment = scanned(path, 0, features_sha256=DIGEST)
    expected = logged_events(tmp_path, features_sha256=DIGEST)
    assert len(segment) == len(expected) == 20
    for field, name in (("kind", "kind"), ("outcome", "outcome"), ("moment", "moment"), ("old", "old")):
        assert segment.heads[field].tolist() == [getattr(each, name) for each in expected]
    words, (held, answers) = segment.words(9), segment.answers(2)
    for number, each in enumerate(expected):
        assert each.kind == NOTE or words[number].tolist() == each.words.tolist()
        assert held[number] == (each.kind == ROW)
        assert not held[number] or answers[number].tobytes() == each.answers.tobytes()
        assert segment.event(number).record() == each.record() == event(number).record()
        assert read_event(path, int(segment.places[number]), features_sha256=DIGEST).record() == each.record()


def test_a_log_is_read_from_an_offset_on_and_earlier_segments_are_left_alone(tmp_path):
    written(tmp_path, range(4)).write_bytes(b"harbor")
    written(tmp_path, range(4, 9))
    written(tmp_path, range(9, 12))
    for offset in range(4, 13):
        found = [segment for segment in segments_since(tmp_path, offset, features_sha256=DIGEST) if len(segment)]
        moments = [int(moment) for segment in found for moment in segment.heads["moment"]]
        assert moments == [*range(offset, 12)]
        assert not found or found[0].first == offset


def test_an_end_that_was_cut_at_any_byte_is_torn_and_the_records_before_it_are_whole(tmp_path):
    path = written(tmp_path, range(6))
    content, places = path.read_bytes(), scanned(path, 0, features_sha256=DIGEST).places
    for cut in range(int(places[3]), len(content)):
        path.write_bytes(content[:cut])
        segment = scanned(path, 0, features_sha256=DIGEST)
        assert len(segment) == int((places[1:] <= cut).sum())
        assert segment.torn == cut - places[len(segment)]
        path.write_bytes(content[:cut] + bytes(len(content) - cut + 100))
        assert len(scanned(path, 0, features_sha256=DIGEST)) in (len(segment), len(segment) + 1)


def test_every_byte_that_changed_before_the_last_record_is_damage(tmp_path):
    path = written(tmp_path, range(6))
    content, places = path.read_bytes(), scanned(path, 0, features_sha256=DIGEST).places
    for at in range(START_BYTES, int(places[5])):
        damaged = bytearray(content)
        damaged[at] ^= 0x15
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"must hold whole records, but the one at byte \d+ has changed"):
            scanned(path, 0, features_sha256=DIGEST)


def test_a_lost_segment_another_width_and_a_place_that_is_none_are_refused(tmp_path):
    path = written(tmp_path, range(4))
    with pytest.raises(InputError, match="a row or a label of 8 words, 3 are not"):
        scanned(path, 0, features_sha256=DIGEST).words(8)
    with pytest.raises(InputError, match="must hold a record at byte 41"):
        read_event(path, 41, features_sha256=DIGEST)
    with pytest.raises(InputError, match="of the features of its state"):
        scanned(path, 0, features_sha256="cd" * 32)
    written(tmp_path, range(5, 7))
    with pytest.raises(InputError, match="must begin at the event that follows the ones before it, 4"):
        list(segments_since(tmp_path, 0, features_sha256=DIGEST))
    path.unlink()
    with pytest.raises(InputError, match="must begin at the event that follows the ones before it, 2"):
        list(segments_since(tmp_path, 2, features_sha256=DIGEST))


def test_an_end_that_was_torn_and_written_behind_is_refused_where_it_had_to_be_cut(tmp_path):
    path = written(tmp_path, range(5))
    path.write_bytes(path.read_bytes()[:-3])
    written(tmp_path, range(4, 6))
    assert sum(len(each) for each in segments_since(tmp_path, 0, features_sha256=DIGEST)) == 6
    with pytest.raises(InputError, match="must hold whole records, but what is at byte"):
        list(segments_since(tmp_path, 0, features_sha256=DIGEST, repaired=True))
