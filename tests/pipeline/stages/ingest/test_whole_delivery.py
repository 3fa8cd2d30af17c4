"""A delivery is whole, single and fresh: holes, a stale end and a file that came twice are told, or stop the job."""

import os
from pathlib import Path

import pandas as pd
import pytest

from pipeline.reading.sources import source_files
from pipeline.stages.ingest.inputs import _unchanged
from tests.fixtures.ingested import ingested
from tests.oracles.incomplete_deliveries import feed


def micros(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").value // 1000)


def written(frame: pd.DataFrame, folder: Path, name: str = "feed.csv") -> Path:
    frame.to_csv(folder / name, index=False)
    return folder / name


def warnings(result) -> str:
    return " | ".join(result.report["warnings"])


def test_a_whole_feed_is_not_remarked_on(tmp_path: Path):
    said = warnings(ingested(written(feed(), tmp_path)))
    assert "no rows" not in said
    assert "repeat" not in said


def test_a_hole_is_told_with_its_days(tmp_path: Path):
    said = warnings(ingested(written(feed(without=(30, 35)), tmp_path)))
    assert "no rows, or hardly any, on 5 days" in said
    assert "2024-01-31 to 2024-02-04" in said


def test_a_stale_feed_is_told_with_the_days_since(tmp_path: Path):
    said = warnings(ingested(written(feed(), tmp_path), as_of=micros("2024-03-14T00:00:00")))
    assert "the feed is stale: its newest row is of 2024-02-29T23:59:59.999999Z, 13.0 days before as-of" in said
    assert "stale" not in warnings(ingested(written(feed(), tmp_path), as_of=micros("2024-03-01T06:00:00")))


@pytest.mark.parametrize(
    ("without", "as_of", "said"),
    [
        ((30, 35), None, "from 2024-01-30T23:59:59"),
        ((0, 0), "2024-03-14T00:00:00", "to 2024-03-14T00:00:00Z, 13.0 days"),
    ],
)
def test_a_silence_beyond_the_limit_stops_the_job(tmp_path: Path, without, as_of, said):
    moment = None if as_of is None else micros(as_of)
    source = written(feed(without=without), tmp_path)
    with pytest.raises(ValueError, match=r"data\.max_silence allows 2d") as stopped:
        ingested(source, as_of=moment, max_silence="2d")
    assert said in str(stopped.value)
    assert ingested(source, as_of=moment, max_silence="20d").report["accepted"]


def test_a_file_that_came_twice_without_ids_is_told(tmp_path: Path):
    written(feed(ids=False), tmp_path, "day.csv")
    written(feed(ids=False), tmp_path, "day_resent.csv")
    said = warnings(ingested(f"{tmp_path}/*.csv"))
    assert "1,800 of 3,600 rows repeat another one in every column" in said


def test_a_few_payments_alike_are_no_second_delivery(tmp_path: Path):
    frame = feed(ids=False)
    said = warnings(ingested(written(pd.concat([frame, frame.head(3)]), tmp_path)))
    assert "repeat" not in said


def test_a_file_that_changes_while_it_is_read_is_no_delivery(tmp_path: Path):
    path = written(feed(), tmp_path)
    (file,) = source_files(str(path))

    def batches():
        yield 1
        os.utime(path, ns=(1, 1))

    with pytest.raises(ValueError, match="must not change while it is read"):
        list(_unchanged(file, batches()))
    assert list(_unchanged(file, iter([1, 2]))) == [1, 2]
