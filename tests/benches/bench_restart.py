"""Serving from a state to now and back again: rows a second from files, seconds of a start behind a long log.

The default features on simulated transactions. Half of them make the state; the others are caught up with, without the
reading of files. Then a start with nothing but the log, one whose index is lost, one from a snapshot.
"""

import tempfile
import time
from pathlib import Path

import pyarrow as pa

from features.online.id_keys import IdKeys
from features.simulate.simulated import simulate_transactions
from features.split import LabelsConfig
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from pipeline.online.raw_rows import RawRows
from pipeline.sections import DataConfig
from pipeline.serve.catch_up import caught_up
from pipeline.serve.engine import Engine, EngineOptions
from pipeline.state.history_state import columns_read, history_state
from pipeline.state.row_reading import Reading
from pipeline.state.snapshots import compacted
from pipeline.state.state_files import StateFolder, checked_state, write_state
from tests.benches.bench_windows import canonical

KEYS = IdKeys(b"a secret of the bench")
ROWS = 2_000_000
OPTIONS = EngineOptions(digest_every=0)
HEADING = f"\n{'':<44} {'ours':>10} {'must':>10} {'must/ours':>10}"


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our figure, what it must be)."""
    count = ROWS if data is None else int(data)
    table = canonical(simulate_transactions(count, seed=1).transactions)
    table = table.set_column(table.column_names.index("card_id"), "card_id", table["card_id"].cast(pa.string()))
    table = table.sort_by("event_time").append_column("transaction_id", pa.array(map(str, range(count)), pa.string()))
    with tempfile.TemporaryDirectory() as home:
        return _figures(table, Path(home), count // 2)


def _figures(table: pa.Table, home: Path, half: int) -> list[tuple[str, float, float]]:
    start = _state(table.slice(0, half), home / "state")
    engine = _opened(home / "serve", start)
    raw = RawRows(table.slice(half), 0, None)
    reading = Reading(data=DataConfig(), labels=LabelsConfig())
    began, used = time.perf_counter(), time.process_time()
    caught = caught_up(engine, raw, reading, key_column="transaction_id")
    took, cpu = time.perf_counter() - began, time.process_time() - used
    print(f"caught up with {sum(caught.outcomes.values()):,} rows in {took:.1f} s, {cpu:.1f} s of CPU")
    digest, events = engine.digest(), engine.offset
    engine.close()
    figures = [
        ("rows a second, caught up with", half / took, 100_000.0),
        ("the same a second of CPU", half / cpu, 100_000.0),
    ]
    for name, prepare in (
        ("log alone", lambda: None),
        ("log alone, index lost", lambda: (home / "serve" / "index.sqlite").unlink()),
        ("snapshot", lambda: compacted(home / "serve")),
    ):
        prepare()
        began, used = time.perf_counter(), time.process_time()
        engine = _opened(home / "serve", start)
        took, cpu = time.perf_counter() - began, time.process_time() - used
        assert engine.digest() == digest, "a start comes to the same state"
        engine.close()
        figures += [(f"s of a start, {events:,} events, {name}", took, 10.0), (f"the same of CPU, {name}", cpu, 10.0)]
    return figures


def _opened(folder: Path, start: StateFolder) -> Engine:
    return Engine.opened(folder, start=start, keys=KEYS, options=OPTIONS)


def _state(table: pa.Table, folder: Path) -> StateFolder:
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    read = table.select(columns_read(spec, table.column_names, key_column="transaction_id"))
    history = history_state(read, spec, keys=KEYS, key_column="transaction_id")
    (folder / "preset").mkdir(parents=True)
    content = {"hash_key_check": None, "key_column": "transaction_id", "reading": {}}
    write_state(folder, history, features=spec.to_json(), content=content)
    return checked_state(folder)
