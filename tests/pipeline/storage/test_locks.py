"""Who comes second is told so, at once or after as long as the work may take."""

import threading
import time

import pytest
from filelock import FileLock

from pipeline.storage.locks import LockedError, held


def test_who_comes_second_is_told_so_at_once(tmp_path):
    with held(tmp_path / "new" / "lock", "first"):
        began = time.monotonic()
        with (
            pytest.raises(LockedError, match="another job is at it"),
            held(tmp_path / "new" / "lock", "another job is at it"),
        ):
            pass
    assert time.monotonic() - began < 1


def test_a_lock_is_free_again_after_an_error(tmp_path):
    def fail():
        with held(tmp_path / "lock", "taken"):
            raise RuntimeError("broken")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            fail()


def test_who_is_patient_waits_for_the_other(tmp_path):
    other = FileLock(tmp_path / "lock", thread_local=False)
    other.acquire()
    threading.Timer(0.2, other.release).start()
    with held(tmp_path / "lock", "taken", patience=10):
        assert not other.is_locked


def test_patience_ends(tmp_path):
    with FileLock(tmp_path / "lock"):
        began = time.monotonic()
        with pytest.raises(LockedError, match="taken"), held(tmp_path / "lock", "taken", patience=0.3):
            pass
        assert 0.3 <= time.monotonic() - began < 5
