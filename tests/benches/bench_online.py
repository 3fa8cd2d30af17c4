"""Features of one transaction at a time: how long each takes from Python, and whether any bit differs from the table's.

The default features on DATA (the Handbook's columns, or canonical ones) or on simulated transactions, labels a week
late. Then a merchant with two million rows in its longest window, a snapshot that goes on beside the state it was made
of, and the memory of a card with 58 rows in 30 days. Microseconds are of single calls, ids as text.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.online import chains, key_tables, small_groups
from features.online.id_keys import IdKeys
from features.online.state import Bounds, OnlineState, Row
from features.online.table_events import table_events
from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.one_row import RowReader
from features.simulate.simulated import simulate_transactions
from features.times import DAY, HOUR, SECOND
from features.windows.calendar import CALENDAR
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import FeatureColumn, FeatureSpec, feature_spec
from features.windows.window_table import window_features
from pipeline.bundle.matrix_graph import matrix_form
from pipeline.bundle.scorer import Scorer, graph_session
from pipeline.bundle.signature import Signature
from pipeline.sections import DataConfig
from pipeline.stages.export.graph.scoring_graph import PROBABILITY, scoring_graph
from pipeline.stages.export.graph_parts import graph_parts
from pipeline.stages.ingest.preset_files import load_preset
from tests.benches import peer_interpreters
from tests.benches.bench_score import fitted
from tests.benches.bench_windows import canonical
from tests.fixtures.online_groups import ids_of

BOUNDS = Bounds(lateness=HOUR, ahead=None, remembered=0)
KEYS = IdKeys(b"a secret of the bench")
PEER_ROWS = 20_000
SINGLE = 20_000
"""Rows that come one by one through Python at the end."""
FURTHER = 300_000
SLOWEST = 4
HOT_ROWS = 2_000_000
COARSE = HOUR
HEADING = f"\n{'':<44} {'ours':>10} {'peer':>10} {'peer/ours':>10}"


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our figure, the peer's)."""
    table = canonical(pq.read_table(data) if data else simulate_transactions(500_000, seed=1).transactions)
    for name in ("card_id", "merchant_id"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.string()))
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    started = time.perf_counter()
    new_state(spec).load_loops()
    print(f"loops ready, compiled or from the cache: {time.perf_counter() - started:.1f} s")
    batch, online = every_row(table, spec)
    every_row(coarse(table.slice(0, 250_000)), spec)
    snapshot(table, spec)
    memory_of_a_card(spec)
    rows = [("s for all rows: one by one, the table", online, batch)]
    rows += single_calls(table, spec)
    rows += peers(table, spec)
    rows += raw_to_probability()
    return [*rows, *hot_merchant(spec)]


def peers(table: pa.Table, spec: FeatureSpec) -> list[tuple[str, float, float]]:
    """CPU a row of all of our columns, beside nine of river's statistics and a look-up of values made beforehand."""
    state, values = new_state(spec), np.empty(columns_of(spec), np.float32)
    rows = as_rows(table.slice(0, PEER_ROWS), state)
    state.accept(rows[0], values)
    started = time.process_time()
    for row in rows[1:]:
        state.accept(row, values)
    ours = (time.process_time() - started) / len(rows) * 1e6
    timed = {"9 statistics of river": river_statistics(rows), "2 look-ups in Redis": looked_up(rows, len(values))}
    name = f"µs of CPU a row: our {len(values)} columns, "
    return [(name + peer, ours, took) for peer, took in timed.items() if took is not None]


def river_statistics(rows: list[Row]) -> float | None:
    """Microseconds of CPU a row of nine of river's rolling statistics of a card, asked and then updated."""
    interpreter = os.environ.get(peer_interpreters.RIVER)
    if interpreter is None:
        print("river is not asked: --river PYTHON names an interpreter that has it (pip install river==0.26.1)")
        return None
    given = json.dumps([(row.ids[0], row.time, row.amount) for row in rows])
    command = [interpreter, str(Path(__file__).with_name("river_statistics.py"))]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    print(f"river {answer['version']}: {answer['microseconds']:.1f} µs of CPU a row")
    return float(answer["microseconds"])


def looked_up(rows: list[Row], columns: int) -> float | None:
    """Microseconds of the client's CPU a row of reading values of a card and of a merchant that somebody else made.

    The floor of a feature store's look-up: one round trip to a Redis on this machine, and the numbers out of its bytes.
    """
    server = shutil.which("redis-server")
    if server is None or importlib.util.find_spec("redis") is None:
        print("no look-up: it needs redis-server and the redis package")
        return None
    import redis

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis.sock"
        options = ("--port", "0", "--unixsocket", path, "--save", "", "--daemonize", "no", "--dir", folder)
        with subprocess.Popen([server, *options], stdout=subprocess.DEVNULL) as process:
            try:
                store = connected(redis.Redis(unix_socket_path=path))
                vector = np.zeros(columns // 2, np.float32).tobytes()
                for one in {identity for row in rows for identity in row.ids}:
                    store.set(one, vector)
                took, started = [], time.process_time()
                for row in rows:
                    asked = time.perf_counter_ns()
                    for found in store.mget(row.ids):
                        np.frombuffer(found, np.float32)
                    took.append((time.perf_counter_ns() - asked) / 1000)
                spent = (time.process_time() - started) / len(rows) * 1e6
            finally:
                process.terminate()
    low, high = np.percentile(took, (50, 99))
    print(f"a look-up in Redis through a socket of this machine: p50 {low:.0f}, p99 {high:.0f} µs")
    return spent


def connected(store: Any) -> Any:
    """The store once it answers."""
    for _ in range(100):
        try:
            store.ping()
        except ConnectionError:
            time.sleep(0.05)
        else:
            return store
    raise TimeoutError("redis-server must answer within five seconds")


def raw_to_probability() -> list[tuple[str, float, float]]:
    """Microseconds from a raw transaction to its probability, and of each step: read, features, graph."""
    models, calibration, _ = fitted(None)
    graph = scoring_graph(graph_parts(models, calibration, shipped="hybrid"))
    form = matrix_form(graph, models.encoder.numeric)
    assert form is not None, "the graph joins its numbers first"
    signature = Signature(models.encoder.numeric, models.encoder.categorical, (PROBABILITY,))
    scorer = Scorer(graph_session(form[0]), signature, form[1])
    raw = simulate_transactions(60_000, seed=2).transactions
    table = canonical(raw)
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    state = new_state(spec)
    first = table.num_rows - SINGLE // 2
    state.accept_table(table_events(table.slice(0, first), plan=state.plan, keys=KEYS), nothing(state))
    preset = load_preset(DataConfig())
    reader = RowReader(Reading(preset, column_plan(preset, ()), 7 * DAY))
    own = [column for column in spec.columns if not column.entity and column.kind == "numeric"]
    took = [one_transaction(row, reader, state, scorer, own) for row in requests(raw.slice(first))]
    steps = np.diff(np.array(took), axis=1)
    for name, step in zip(("read", "features", "graph"), steps.T, strict=True):
        low, middle, high = np.percentile(step, (5, 50, 99))
        print(f"raw to probability, {name}: p5 {low:.1f}, p50 {middle:.1f}, p99 {high:.1f} µs")
    whole = steps.sum(axis=1)
    return [
        ("µs raw to probability, p5 (what p50 must)", float(np.percentile(whole, 5)), 70.0),
        ("µs raw to probability, p50 (must)", float(np.median(whole)), 70.0),
        ("µs raw to probability, p99 (what p50 must)", float(np.percentile(whole, 99)), 70.0),
    ]


def requests(raw: pa.Table) -> list[dict[str, object]]:
    """Rows as a request has them: times as text, no label."""
    names = ("transaction_id", "event_time", "card_id", "merchant_id", "amount")
    rows = raw.select([name for name in names if name in raw.column_names]).to_pylist()
    return [row | {"event_time": row["event_time"].isoformat()} for row in rows]


def one_transaction(
    row: dict[str, object], reader: RowReader, state: OnlineState, scorer: Scorer, own: list[FeatureColumn]
) -> tuple[float, ...]:
    """The moments, in microseconds, at which a row comes, is read, has its features, and its probability."""
    moments = [time.perf_counter_ns()]
    read = reader.read(row).values
    moments.append(time.perf_counter_ns())
    moment = read["event_time"]
    numbers = np.empty((1, len(own) + len(state.plan.names)), np.float32)
    state.accept(Row(moment, read["amount_minor"], [read[n] for n in state.plan.ids]), numbers[0, len(own) :])
    for place, column in enumerate(own):
        clock = CALENDAR.get(column.aggregate)
        numbers[0, place] = read[column.of] if clock is None else clock(moment)
    texts = {name: np.array([[read.get(name) or ""]], object) for name in scorer.signature.categorical}
    moments.append(time.perf_counter_ns())
    scorer.matrix_outputs(numbers, texts, (PROBABILITY,))
    moments.append(time.perf_counter_ns())
    return tuple(each / 1000 for each in moments)


def columns_of(spec: FeatureSpec) -> int:
    return sum(bool(column.entity) for column in spec.columns)


def new_state(spec: FeatureSpec) -> OnlineState:
    return OnlineState.empty(spec, bounds=BOUNDS, keys=KEYS)


def coarse(table: pa.Table) -> pa.Table:
    """The table with times cut to hours: nearly every row has ties."""
    times = table["event_time"].cast(pa.int64()).to_numpy() // COARSE * COARSE
    return table.set_column(0, "event_time", pa.array(times, pa.timestamp("us", "UTC")))


def every_row(table: pa.Table, spec: FeatureSpec) -> tuple[float, float]:
    """Seconds of the table's features and of the state's; prints how many values differ."""
    entity = spec.selected([column.name for column in spec.columns if column.entity])
    started = time.perf_counter()
    features = window_features(table, spec=entity, threads=1)
    batch = time.perf_counter() - started
    state = new_state(spec)
    events = table_events(table, plan=state.plan, keys=KEYS)
    values = np.empty((table.num_rows, len(state.plan.names)), np.float32)
    started = time.perf_counter()
    state.accept_table(events, values)
    online = time.perf_counter() - started
    differ = 0
    for place, name in enumerate(state.plan.names):
        theirs = features[name].cast(pa.float32()).fill_null(float("nan")).to_numpy()
        ours = np.ascontiguousarray(values[:, place])
        differ += int(((ours.view(np.uint32) != theirs.view(np.uint32)) & ~(np.isnan(ours) & np.isnan(theirs))).sum())
    print(
        f"{values.size:,} values of {len(values):,} rows: {differ} differ from the table's; "
        f"{online / len(values) * 1e6:.2f} µs a row"
    )
    sizes(state, table)
    return batch, online


def sizes(state: OnlineState, table: pa.Table) -> None:
    cards, merchants = (len(table[name].unique()) for name in ("card_id", "merchant_id"))
    print(f"state: {len(state.words()) * 8 / 2**20:.0f} MiB, {cards:,} cards, {merchants:,} merchants")


def single_calls(table: pa.Table, spec: FeatureSpec) -> list[tuple[str, float, float]]:
    """Microseconds of a call at the end of the table."""
    state = new_state(spec)
    before = table.slice(0, table.num_rows - SINGLE)
    state.accept_table(table_events(before, plan=state.plan, keys=KEYS), nothing(state))
    rows = as_rows(table.slice(table.num_rows - SINGLE), state)
    took = microseconds(state, rows)
    return [*percentiles("µs a transaction from Python, p", took)]


def as_rows(table: pa.Table, state: OnlineState) -> list[Row]:
    times = table["event_time"].cast(pa.int64()).to_pylist()
    ids = zip(*(table[name].to_pylist() for name in state.plan.ids), strict=True)
    labels, known = table["label"].to_pylist(), table["label_available_at"].cast(pa.int64()).to_pylist()
    amounts = table["amount_minor"].to_pylist()
    return [Row(t, a, i, None, y, k) for t, a, i, y, k in zip(times, amounts, ids, labels, known, strict=True)]


def microseconds(state: OnlineState, rows: list[Row]) -> np.ndarray:
    values, took = np.empty(len(state.plan.names), np.float32), np.empty(len(rows))
    for place, row in enumerate(rows):
        started = time.perf_counter_ns()
        state.accept(row, values)
        took[place] = (time.perf_counter_ns() - started) / 1000
    return took


def percentiles(name: str, took: np.ndarray) -> list[tuple[str, float, float]]:
    wanted = {"p50": 12.0, "p90": 20.0, "p99": 30.0, "p99.9": 100.0, "p100": 5000.0}
    return [
        (f"{name}{each[1:]} (must)", float(np.percentile(took, float(each[1:]))), must) for each, must in wanted.items()
    ]


def hot_merchant(spec: FeatureSpec) -> list[tuple[str, float, float]]:
    """A merchant with two million rows in 30 days, its cards, a silence of 31 days, and rows that come late."""
    state, rng = new_state(spec), np.random.default_rng(1)
    times = np.sort(rng.integers(0, 30 * DAY, HOT_ROWS))
    cards = rng.integers(0, 200_000, HOT_ROWS).astype(str)
    table = pa.table(
        {
            "event_time": pa.array(times, pa.timestamp("us", "UTC")),
            "card_id": cards,
            "merchant_id": pa.array(["hot"] * HOT_ROWS),
            "amount_minor": rng.integers(1, 10**5, HOT_ROWS),
            "label": pa.array(rng.random(HOT_ROWS) < 0.01).cast(pa.int8()),
            "label_available_at": pa.array(times + 7 * DAY, pa.timestamp("us", "UTC")),
        }
    )
    events = table_events(table, plan=state.plan, keys=KEYS)
    state.accept_table(events, nothing(state))
    last = int(times[-1])

    def row(moment: int) -> Row:
        ids = {"card_id": str(rng.integers(0, 200_000)), "merchant_id": "hot"}
        return Row(moment, 100, [ids[name] for name in state.plan.ids], None, 0, moment + 7 * DAY)

    steady = microseconds(state, [row(last + second * SECOND) for second in range(1, SINGLE + 1)])
    last += SINGLE * SECOND
    late = microseconds(state, [row(last - int(rng.integers(1, HOUR))) for _ in range(2000)])
    silent = [microseconds(state, [row(last + days * DAY)])[0] for days in (15, 15 + 31)]
    print(f"late by up to an hour: p50 {np.median(late):.0f}, p99 {np.percentile(late, 99):.0f} µs")
    print(f"first call after 15 and after 31 days of silence: {silent[0]:.0f} and {silent[1]:.0f} µs")
    print(f"first {SLOWEST} calls of the {SINGLE:,}: {first_and_slowest(steady)}")
    return percentiles("µs at a merchant of 2 M rows, p", steady)


def first_and_slowest(took: np.ndarray) -> str:
    """What the first calls took, which meet pages for the first time, and which calls took longest."""
    slowest = np.argsort(took)[::-1][:SLOWEST]
    return f"{took[:SLOWEST].round(0).tolist()}; the slowest: {[(int(p), round(float(took[p]))) for p in slowest]}"


def snapshot(table: pa.Table, spec: FeatureSpec) -> None:
    """A state and its snapshot go on with the same rows."""
    state = new_state(spec)
    events = table_events(table, plan=state.plan, keys=KEYS).rows
    cut = max(len(events) - FURTHER, len(events) // 2)
    started = time.perf_counter()
    state.accept_rows(events[:cut], nothing(state))
    built = time.perf_counter()
    words = state.words()
    taken = time.perf_counter()
    other = OnlineState.restored(spec, words, keys=KEYS)
    loaded = time.perf_counter()
    values = np.empty((2, len(events) - cut, len(state.plan.names)), np.float32)
    for each, own in zip((state, other), values, strict=True):
        each.accept_rows(events[cut:], own)
    print(
        f"state of {cut:,} rows: built in {built - started:.2f} s, {words.nbytes / 2**20:.0f} MiB taken in "
        f"{taken - built:.2f} s, loaded in {loaded - taken:.2f} s; after {len(events) - cut:,} further rows on both "
        f"the same bits: {values[0].tobytes() == values[1].tobytes()}, the same digest: "
        f"{state.digest() == other.digest()}"
    )


def memory_of_a_card(spec: FeatureSpec) -> None:
    """Bytes a card of 58 rows in 30 days takes, for months, with the parts that it shares with nobody."""
    of_cards = spec.selected([column.name for column in spec.columns if column.entity == ("card_id",)])
    alone = of_cards.selected([each.name for each in of_cards.columns if not (each.of or "").endswith("_id")])
    kinds = {"without its pairs": alone, "of the card's own columns": of_cards, "with merchants and pairs": spec}
    for name, wanted in kinds.items():
        state, cards, months = new_state(wanted), 2000, 3
        rng = np.random.default_rng(1)
        count = cards * 58 * months
        table = pa.table(
            {
                "event_time": pa.array(np.sort(rng.integers(0, months * 30 * DAY, count)), pa.timestamp("us", "UTC")),
                "card_id": rng.integers(0, cards, count).astype(str),
                "merchant_id": rng.zipf(1.5, count).clip(max=20_000).astype(str),
                "amount_minor": rng.integers(1, 10**5, count),
            }
        )
        state.accept_table(table_events(table, plan=state.plan, keys=KEYS), nothing(state))
        print(f"bytes a card of 58 rows in 30 days, {name}: {(len(state.words()) - state.plan.first) * 8 / cards:,.0f}")
    for ids, groups, size in stored_bytes(state):
        print(f"  {groups:,} groups of {' + '.join(ids)}: {size / groups:,.0f} bytes each, {size / cards:,.0f} a card")


def stored_bytes(state: OnlineState) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Of each store its ids, how many groups it has, and what they take, slots of the table among it."""
    for store in state.plan.tables.stores:
        start = int(store["table"]) + key_tables.HEADER_WORDS
        parts = state.memory[start : start + key_tables.PARTS * key_tables.PART_WORDS].reshape(key_tables.PARTS, -1)
        slots = np.concatenate([state.memory[first : first + count] for first, count, _ in parts])
        at = slots[slots != 0] & key_tables.VALUES
        small = (state.memory[at] >> small_groups.ROWS != 0) & (store["unfolded"] >= 0)
        sizes = 1 << (state.memory[at[small]] >> small_groups.SIZE & small_groups.BITS)
        heads = at[~small]
        words = len(slots) + int(sizes.sum()) + len(heads) * int(store["head"])
        chains_of = (int(store[name]) for name in ("rows", "frauds", "legits", "largest", "smallest"))
        words += sum(chain_words(state, heads, kind) for kind in chains_of if kind >= 0)
        yield tuple(sorted(ids_of(state.plan, store))), len(at), words * 8


def chain_words(state: OnlineState, heads: np.ndarray, kind: int) -> int:
    """Words of blocks and directories of the chains of a kind."""
    record = state.plan.tables.kinds[kind]
    first, end, room = (
        state.memory[heads + record["at"] + word] for word in (chains.FIRST, chains.END, chains.CAPACITY)
    )
    blocks = np.where(end > first, (end - 1 >> record["shift"]) - (first >> record["shift"]) + 1, 0)
    return int((blocks * (record["width"] << record["shift"]) + np.where(room > 1, room, 0)).sum())


def nothing(state: OnlineState) -> np.ndarray:
    return np.empty((0, len(state.plan.names)), np.float32)
