"""A challenger scores what the champion answered, costs it nothing, and leaves a file that can be judged."""

import asyncio
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.serve import shadow_scores as module
from pipeline.serve.shadow_scores import ShadowScores
from tests.fixtures.live_service import asked, asking


async def served(app, shadow, rows):
    app.service.shadow = shadow
    running = asyncio.create_task(shadow.run())
    found = [await asking(app, "/v1/score", row) for row in rows]
    shadow.end()
    await running
    return [each.json for each in found]


def shadow_of(app, folder):
    return ShadowScores(app.service.deployment, folder, app.service.metrics)


def test_every_row_is_scored_and_kept_beside_what_the_champion_said(app, rows, tmp_path):
    answers = asyncio.run(served(app, shadow_of(app, tmp_path / "shadow"), rows))
    (path,) = (tmp_path / "shadow").glob("*.parquet")
    table = pq.read_table(path)
    assert path.stem == f"{1:020d}"
    assert table["transaction_id"].to_pylist() == [row["transaction_id"] for row in rows]
    assert table["champion"].to_pylist() == [each["probability"] for each in answers]
    assert table["probability"].to_pylist() == pytest.approx(table["champion"].to_pylist(), abs=1e-6)
    assert app.service.metrics.counters["shadow"] == {("scored",): len(rows)}


def test_what_it_leaves_can_be_judged_once_labels_are_there(app, rows, tmp_path, small_run, harbor):
    asyncio.run(served(app, shadow_of(app, tmp_path / "shadow"), rows * 1))
    (path,) = (tmp_path / "shadow").glob("*.parquet")
    table = pq.read_table(path)
    labels = pa.array([int(place % 4 == 0) for place in range(table.num_rows)], pa.int8())
    pq.write_table(table.set_column(table.column_names.index("label"), "label", labels), tmp_path / "known.parquet")
    bundle = small_run / "export" / "bundle"
    code, said = harbor("evaluate", "--bundle", bundle, "--outcomes", tmp_path / "known.parquet")
    assert code in (0, 3), said  # made-up labels of a few minutes may well be an alarm
    report = json.loads((tmp_path / "known.report.json").read_text())
    assert not [each for each in report.get("remarks", []) if "another probability" in each]


def test_where_it_is_too_slow_the_oldest_rows_are_left_out_and_counted(app, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    shadow = shadow_of(app, tmp_path / "shadow")
    app.service.shadow = shadow
    for row in rows:
        assert asked(app, "/v1/score", row).status == 200
    shadow.end()
    asyncio.run(shadow.run())
    (path,) = (tmp_path / "shadow").glob("*.parquet")
    assert pq.read_table(path)["transaction_id"].to_pylist() == [row["transaction_id"] for row in rows[-5:]]
    assert app.service.metrics.counters["shadow"]["dropped",] == len(rows) - 5


def test_a_challenger_that_fails_costs_the_champion_nothing(app, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_probabilities", lambda *_: 1 / 0)
    answers = asyncio.run(served(app, shadow_of(app, tmp_path / "shadow"), rows))
    assert all(each["probability"] is not None for each in answers)
    assert app.service.metrics.counters["shadow"]["failed",] == len(rows)
    assert not (tmp_path / "shadow").exists()
