"""Memory is measured anew from each reset."""

import mmap
import os

from pipeline.process import hardware
from pipeline.process.hardware import cpu_threads, peak_memory, reset_peak_memory

MEBIBYTE = 1 << 20


def test_a_peak_is_of_what_came_after_the_reset():
    reset_peak_memory()
    before = peak_memory()
    with mmap.mmap(-1, 40 * MEBIBYTE) as fresh:  # an array might take what the allocator already holds
        fresh.write(b"1" * len(fresh))
        during = peak_memory()
    reset_peak_memory()
    assert during - before > 35 * MEBIBYTE
    assert peak_memory() < during - 30 * MEBIBYTE


def test_threads_are_those_asked_for_or_those_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    assert cpu_threads(3) == 3
    assert cpu_threads(0) == len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cpu_threads(0) == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_without_linux_the_peak_is_that_of_the_whole_process(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "PROCESS", tmp_path / "no-proc")
    reset_peak_memory()
    assert peak_memory() > 10 * MEBIBYTE
