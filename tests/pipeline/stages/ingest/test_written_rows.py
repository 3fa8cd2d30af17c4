import pyarrow as pa
import pytest

from features.times import HOUR
from pipeline.stages.ingest.written_rows import WrittenRows

TABLE = pa.table(
    {
        "event_time": pa.array([10, 20, 20, 35], pa.timestamp("us", "UTC")),
        "label": pa.array([0, 1, None, 0], pa.int8()),
        "height": [1.0, float("nan"), None, 2.0],
    }
)


def written(*chunks):
    found = WrittenRows()
    for chunk in chunks:
        found.add(chunk)
    return found


def test_every_day_with_a_row_is_known_once_however_many_chunks_it_lies_in():
    found = WrittenRows()
    for hours in ([0, 1, 25], [26, 90, 91]):
        moments = pa.array([hour * HOUR for hour in hours], pa.timestamp("us", "UTC"))
        found.add(pa.table({"event_time": moments, "label": pa.array([0] * 3, pa.int8())}))
    assert found.days == {0, 1, 3}


def test_nulls_and_nans_are_both_missing():
    assert written(TABLE).nulls == {"event_time": 0, "label": 1, "height": 2}


def test_rows_are_counted_by_label_with_their_first_and_last_time():
    found = written(TABLE)
    assert (found.labels, found.first, found.last) == ({0: 2, 1: 1, -1: 1}, 10, 35)
    assert found.types["event_time"] == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_the_parts_that_rows_come_in_change_no_count(cut):
    whole, parts = written(TABLE), written(TABLE.slice(0, cut), TABLE.slice(cut))
    for name in ("rows", "labels", "nulls", "types", "first", "last"):
        assert getattr(parts, name) == getattr(whole, name), name
    assert parts.digest.hexdigest() == whole.digest.hexdigest()
