"""What a job took: memory that starts anew at each stage, and one line that sums up."""

import mmap

from pipeline.process.hardware import peak_memory, reset_peak_memory
from pipeline.runs.cost import cost_line
from pipeline.stages.stage import Stage
from pipeline.storage.done import write_done

MEBIBYTE = 1 << 20


def stage(name):
    return Stage(name, lambda context: "", reads=(), sections=())


def test_a_peak_is_of_what_came_after_the_reset():
    reset_peak_memory()
    before = peak_memory()
    with mmap.mmap(-1, 40 * MEBIBYTE) as fresh:  # an array might take what the allocator already holds
        fresh.write(b"1" * len(fresh))
        during = peak_memory()
    reset_peak_memory()
    assert during - before > 35 * MEBIBYTE
    assert peak_memory() < during - 30 * MEBIBYTE


def test_a_line_sums_seconds_and_takes_the_largest_memory(tmp_path):
    for name, seconds, memory in (("ingest", 1.5, 200 * MEBIBYTE), ("train", 60.25, 3 * 1024 * MEBIBYTE)):
        (tmp_path / name).mkdir()
        write_done(tmp_path / name, fingerprint="f", details={"seconds": seconds, "peak_memory": memory})
    line = cost_line(tmp_path, [stage("ingest"), stage("train"), stage("export")])
    assert line == "61.8 s in all (ingest 1.5, train 60.2); at most 3.00 GiB (train)"
