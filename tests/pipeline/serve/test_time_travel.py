"""The last days of a run, row by row over `POST /v1/score`, are what its table says they were."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.times import DAY
from pipeline.runs.settings import read_settings
from pipeline.stages.export.online_state import write_state_of_run
from tests.fixtures.live_service import asked, live_service, request_row

DAYS = 6


@pytest.fixture(scope="module")
def last_days(small_run):
    """The rows of a run's last days with their labels, and the moment before them."""
    table = pq.read_table(small_run / "ingest" / "transactions.parquet")
    times = table["event_time"].cast(pa.int64())
    begin = pc.max(times).as_py() - DAYS * DAY
    return table.filter(pc.greater_equal(times, begin)).to_pylist(), begin


def test_no_value_differs_from_the_table_and_no_probability_from_the_scores(small_run, last_days, tmp_path):
    rows, begin = last_days
    config = read_settings(small_run).config
    spec = small_run / "features" / "spec.json"
    (tmp_path / "state").mkdir()
    write_state_of_run(small_run / "ingest", spec, tmp_path / "state", config=config, until=begin - 1)
    with live_service(small_run, tmp_path / "served", state=tmp_path / "state", audit_every=50) as opened:
        answers = [travelled(opened.app, row) for row in rows]
        assert opened.service.metrics.total("audit_mismatches") == 0
        assert opened.service.metrics.total("audits") == len(rows) // 50
    assert len(rows) > 200
    assert differing_values(small_run, answers) == 0
    assert largest_difference(small_run, answers) <= 1e-6


def travelled(app, row):
    """A row is answered as a live one; its label comes when it comes, with the moment at which it is known."""
    found = asked(app, "/v1/score?explain=features", request_row(row))
    assert found.status == 200, found.body
    if row["label"] is not None:
        known = row["label_available_at"].isoformat()
        label = {"transaction_id": row["transaction_id"], "label": row["label"], "available_at": known}
        assert asked(app, "/v1/labels", label).status == 200
    return found.json


def differing_values(run, answers):
    table = pq.read_table(run / "features" / "features.parquet")
    place = {key: number for number, key in enumerate(table["transaction_id"].to_pylist())}
    table = table.take(pa.array([place[each["transaction_id"]] for each in answers]))
    names = list(answers[0]["features"])
    assert len(names) > 50
    return sum(apart(table[name], [each["features"][name] for each in answers]) for name in names)


def apart(column, given):
    """How many values are not the column's to the bit; a missing number is null."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return sum(one != other for one, other in zip(pc.fill_null(column, "").to_pylist(), given, strict=True))
    ours = np.array([np.nan if value is None else value for value in given], np.float32)
    theirs = pc.cast(column, pa.float32()).fill_null(float("nan")).to_numpy()
    return int(((ours.view(np.uint32) != theirs.view(np.uint32)) & ~(np.isnan(ours) & np.isnan(theirs))).sum())


def largest_difference(run, answers):
    shipped = json.loads((run / "export" / "bundle" / "manifest.json").read_text())["candidate"]
    scores = pq.read_table(run / "evaluate" / "scores.parquet", columns=["transaction_id", shipped]).to_pylist()
    judged = {row["transaction_id"]: row[shipped] for row in scores}
    pairs = [(each["probability"], judged.get(each["transaction_id"])) for each in answers]
    pairs = [(one, other) for one, other in pairs if other is not None]
    assert len(pairs) > 100
    return max(abs(one - other) for one, other in pairs)
