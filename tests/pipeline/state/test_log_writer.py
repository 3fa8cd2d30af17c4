import os

import numpy as np
import pytest

from pipeline.state.event_log import NOTE, START_BYTES, LoggedEvent, log_segments, logged_events
from pipeline.state.log_writer import LogFailedError, LogWriter

DIGEST = "ab" * 32


def record(number):
    return LoggedEvent(NOTE, np.empty(0, np.int64), number, row={"number": number}).record()


def writer(folder, offset=0, **given):
    return LogWriter(folder, offset=offset, features_sha256=DIGEST, **given)


def numbers(folder):
    return [event.row["number"] for event in logged_events(folder, features_sha256=DIGEST)]


def test_records_go_into_segments_of_about_a_size_and_into_the_last_one_again(tmp_path):
    size = len(record(0))
    with writer(tmp_path, segment_bytes=START_BYTES + 2 * size) as log:
        assert [log.append(record(number)) for number in range(5)] == [*range(5)]
    with writer(tmp_path, 5, last=log_segments(tmp_path)[-1][1], segment_bytes=START_BYTES + 2 * size) as log:
        log.append(record(5))
        assert (log.segment, log.place) == (4, START_BYTES + size)
    assert [first for first, _ in log_segments(tmp_path)] == [0, 2, 4]
    assert numbers(tmp_path) == [*range(6)]


def test_nothing_is_made_before_the_first_record(tmp_path):
    with writer(tmp_path) as log:
        assert log.sync() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_segment_is_never_written_over(tmp_path):
    for number in (0, 1):
        with writer(tmp_path) as log:
            if number == 0:
                log.append(record(0))
                continue
            with pytest.raises(LogFailedError, match="File exists"):
                log.append(record(1))
    assert numbers(tmp_path) == [0]


@pytest.mark.parametrize("taken", [0, 1, 60])
def test_a_record_that_did_not_go_whole_is_taken_back_and_nothing_goes_behind_it(tmp_path, monkeypatch, taken):
    real = os.write

    def full(file, content):
        if taken:
            real(file, bytes(content)[:taken])
        raise OSError(28, "No space left on device")

    with writer(tmp_path) as log:
        log.append(record(0))
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(LogFailedError, match="refused a write: No space left on device"):
            log.append(record(1))
        monkeypatch.undo()
        with pytest.raises(LogFailedError, match="takes nothing more since a write failed"):
            log.append(record(1))
    assert numbers(tmp_path) == [0]
    assert log_segments(tmp_path)[0][1].stat().st_size == START_BYTES + len(record(0))


def test_a_record_that_the_system_takes_in_parts_is_whole(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, content: real(file, bytes(content)[:7]))
    with writer(tmp_path) as log:
        log.append(record(0))
    assert numbers(tmp_path) == [0]


def test_a_disk_that_fails_to_sync_ends_the_log(tmp_path, monkeypatch):
    def failing(file):
        raise OSError(5, "Input/output error")

    with writer(tmp_path) as log:
        log.append(record(0))
        assert log.sync() == 1
        monkeypatch.setattr(os, "fdatasync", failing)
        with pytest.raises(LogFailedError, match="Input/output error"):
            log.sync()
        monkeypatch.undo()
        with pytest.raises(LogFailedError, match="start the server anew"):
            log.sync()
    assert not log.is_writable
