"""What a run took, in one line."""

from pipeline.runs.cost import cost_line
from pipeline.stages.stage import Stage
from pipeline.storage.done import write_done


def stage(name):
    return Stage(name, lambda context: "", reads=(), sections=())


def test_a_line_sums_seconds_and_takes_the_largest_memory(tmp_path):
    for name, seconds, memory in (("ingest", 1.5, 200 * (1 << 20)), ("train", 60.25, 3 * 1024 * (1 << 20))):
        (tmp_path / name).mkdir()
        write_done(tmp_path / name, fingerprint="f", details={"seconds": seconds, "peak_memory": memory})
    line = cost_line(tmp_path, [stage("ingest"), stage("train"), stage("export")])
    assert line == "61.8 s in all (ingest 1.5, train 60.2); at most 3.00 GiB (train)"
