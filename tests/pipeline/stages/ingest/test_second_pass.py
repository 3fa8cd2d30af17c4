import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.times import time_microseconds
from pipeline.stages.ingest.second_pass import time_order, write_transactions

MOMENT = pa.timestamp("us", "UTC")
TIMES = [time_microseconds(f"2024-0{month}-10") for month in (3, 3, 4, 5)]
TABLE = pa.table(
    {
        "event_time": pa.array(TIMES, MOMENT),
        "label": pa.array([0, None, 1, 0], pa.int8()),
        "label_available_at": pa.array([TIMES[0], None, *TIMES[2:]], MOMENT),
    }
)
MARCH = np.array(["2024-03"], "datetime64[M]")


def test_rows_go_by_time_and_ties_keep_the_order_of_the_source():
    times = np.random.default_rng(2).integers(0, 5, 400)
    expected = sorted(range(400), key=lambda place: (times[place], place))
    assert time_order(times, without=np.array([], np.int64)).tolist() == expected


def test_rows_that_are_left_out_leave_the_order_of_the_others():
    assert time_order(np.array([5, 1, 5, 1, 0]), without=np.array([1, 4])).tolist() == [3, 0, 2]


@pytest.mark.parametrize("size", [1, 3, 4])
def test_chunks_become_one_file_and_are_counted(tmp_path, size):
    chunks = (TABLE.slice(start, size) for start in range(0, 4, size))
    written = write_transactions(chunks, tmp_path / "out.parquet", masks={})
    assert pq.read_table(tmp_path / "out.parquet", page_checksum_verification=True).equals(TABLE)
    assert (written.rows, written.labels) == (4, {0: 2, 1: 1, -1: 1})


def test_labels_of_masked_months_become_unknown_and_known_ones_are_counted(tmp_path):
    written = write_transactions(iter([TABLE]), tmp_path / "out.parquet", masks={"silent": MARCH, "none": MARCH[:0]})
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["label"].to_pylist() == [None, None, 1, 0]
    assert table["label_available_at"].null_count == 2
    assert written.masked == {"silent": 1, "none": 0}
    assert written.labels[-1] == 2
