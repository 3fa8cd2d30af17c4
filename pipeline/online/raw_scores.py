"""`harbor score --transactions`: raw rows through the windows of a state, then through the graph of a bundle.

Rows are read as ingest reads them, by the preset that the state was made by; they are answered one after the other, and
the state moves on in memory: the folder stays as it is.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.online import known_rows
from features.online.id_keys import IdKeys
from features.online.state import ANSWERED, OnlineState, Outcome
from features.online.table_events import LabelChanges, TableEvents, table_events
from features.schema.preset import Preset
from features.windows.kernels import NO_EVENT
from features.windows.spec import FeatureSpec
from features.windows.window_table import window_features
from pipeline.bundle.coverage import feature_coverage
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.score import ScoredFile, score_writer, scored_table
from pipeline.bundle.scorer import loaded_scorer
from pipeline.online.older_reports import reports_of_older_rows
from pipeline.process.hardware import cpu_threads
from pipeline.reading.batches import header
from pipeline.reading.sources import source_files
from pipeline.stages.hash_key import hash_key, hash_key_check
from pipeline.stages.ingest.chargeback_feed import chargeback_feed
from pipeline.stages.ingest.inputs import report_files
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.state.history_state import HistoryState, id_keys
from pipeline.state.row_reading import Reading, kept_reading
from pipeline.state.state_files import StateFolder, check_same_features, checked_state, write_next_state
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError, faults_text

TRANSACTION_ID = "transaction_id"
TOLD = {
    Outcome.REPEATED: "were in the state already, and are not scored again",
    Outcome.CONFLICT: "have the transaction_id of another row in the state, and are not scored",
    Outcome.LATE: "came late, and were counted from then on",
    Outcome.TOO_LATE: "came too late to be counted, and were scored with what there was",
    Outcome.AMOUNT: "have an amount beyond what windows take, and are not scored",
}


@dataclass(frozen=True)
class RawFeatures:
    """Raw rows with their features.

    Attributes:
        rows: canonical rows that were answered, by time [N].
        features: columns of the specification [N].
        outcomes: how many rows came to which end.
        quarantined: rows that could not be read, or break a rule.
        after: the state behind them.
    """

    rows: pa.Table
    features: pa.Table
    outcomes: Mapping[Outcome, int]
    quarantined: int
    after: HistoryState


def score_transactions(
    bundle: Path,
    state: Path,
    sources: Sequence[str],
    out: Path,
    *,
    key: bytes | None = None,
    threads: int = 0,
    state_out: Path | None = None,
) -> ScoredFile:
    """Score raw transactions with a bundle and a state.

    Args:
        bundle: the folder of the bundle.
        state: the folder of a state of the same features.
        sources: files or patterns of raw rows, and of what the preset joins to them.
        out: .parquet or .csv; gets transaction_id and every output of the graph, by time.
        key: what the bundle's manifest must be signed with; None asks for no signature.
        threads: batches scored side by side; 0 for one a processor.
        state_out: folder for the state behind these rows.

    Raises:
        InputError: bundle, state or rows are wrong, or do not belong together; nothing is written.
    """
    write = score_writer(out)
    checked = checked_bundle(bundle, key=key)
    stored = checked_state(state)
    check_same_features(stored, checked.read("features.json"), bundle=str(bundle))
    scorer = loaded_scorer(checked)
    raw = raw_features(stored, sources)
    table = raw.features.append_column(TRANSACTION_ID, raw.rows[TRANSACTION_ID])
    write(out, scored_table(scorer, table, threads=cpu_threads(threads)))
    if state_out is not None:
        write_next_state(state_out, stored, raw.after)
    coverage = feature_coverage(table, scorer.signature, checked.read_json("encoder.json"))
    return ScoredFile(table.num_rows, coverage, tuple(_remarks(raw)))


def raw_features(stored: StateFolder, sources: Sequence[str]) -> RawFeatures:
    """The features of raw rows behind a state, each as a table of all rows would have them.

    Raises:
        InputError: the secret is not the state's, or rows cannot be read or lack columns.
    """
    reading = kept_reading(stored, tuple(sources))
    if hash_key_check(reading.data) != stored.manifest["hash_key_check"]:
        raise InputError(f"{reading.data.hash_key_env}: the secret must be the one that the state was made under")
    preset = _preset_of_live_rows(reading)
    table, quarantined = _read_rows(reading, preset)
    spec, keys = stored.spec, id_keys(hash_key(reading.data))
    history = stored.loaded(keys)
    _check_ids(table, history.state)
    key_column = stored.manifest["key_column"]
    history = _with_reports(history, reading, preset, table[TRANSACTION_ID], keys)
    new, repeated = _without_counted(table, stored, key_column)
    events = table_events(new, plan=history.state.plan, keys=keys, key_column=key_column)
    values, outcomes, to_come = _answers(history, events)
    counts = Counter({Outcome(int(each)): int((outcomes == each).sum()) for each in np.unique(outcomes)})
    counts[Outcome.REPEATED] += repeated
    answered = np.isin(outcomes, ANSWERED)
    rows = new.filter(pa.array(answered))
    features = feature_table(rows, values[answered], history.state, spec)
    return RawFeatures(rows, features, counts, quarantined, HistoryState(history.state, to_come))


def feature_table(rows: pa.Table, values: NDArray[np.float32], state: OnlineState, spec: FeatureSpec) -> pa.Table:
    """Columns of the specification in its order: of entities from answers, all others from the rows themselves.

    Args:
        rows: canonical rows [N].
        values: what the state answered [N, columns].
        state: that did.
        spec: of the state.
    """
    own = spec.selected([column.name for column in spec.columns if not column.entity])
    made = {name: column for name, column in zip(own.names, window_features(rows, spec=own, threads=1), strict=True)}
    for column in (column for column in spec.columns if column.entity):
        answers = np.ascontiguousarray(values[:, state.plan.names.index(column.name)])
        missing = np.isnan(answers) if column.dtype == "int32" else None
        kept = np.nan_to_num(answers).astype(np.int32) if column.dtype == "int32" else answers
        made[column.name] = pa.array(kept, mask=missing)
    return pa.table({name: made[name] for name in spec.names})


def _read_rows(reading: Reading, preset: Preset) -> tuple[pa.Table, int]:
    """Canonical rows by time, and how many were set aside."""
    with tempfile.TemporaryDirectory(prefix="harbor-") as folder:
        report = ingest_transactions(
            reading.data,
            labels=reading.labels,
            as_of=None,
            simulate=_no_simulation,
            folder=Path(folder),
            preset=preset,
        )
        return read_table(Path(folder) / "transactions.parquet"), report.quarantined


def _no_simulation(rows: int, seed: int) -> pa.Table:
    raise InputError(f"raw transactions must come from a file, got a simulation of {rows:,} rows and seed {seed}")


def _preset_of_live_rows(reading: Reading) -> Preset:
    """The preset, without labels where no file has any: those of live rows come later."""
    preset = load_preset(reading.data)
    label, feed = preset.label, preset.chargebacks
    files = source_files(reading.data.source)
    held = {name for file in files for name in header(file, delimiter=preset.delimiter, encoding=preset.encoding).names}
    if label is not None and not set(label.column) & held:
        preset = preset.model_copy(update={"label": None})
    if feed is not None and not any(Path(file.name).match(feed.files) for file in files):
        preset = preset.model_copy(update={"chargebacks": None})
    return preset


def _with_reports(
    history: HistoryState, reading: Reading, preset: Preset, ids: pa.ChunkedArray, keys: IdKeys
) -> HistoryState:
    """The state, with what the feed of chargebacks says of its own rows among the changes to come."""
    files, allowed = report_files(reading.data, preset), reading.data.max_quarantined_share
    feed = chargeback_feed(files, preset=preset, as_of=None, allowed=allowed)
    if feed is None:
        return history
    own = reports_of_older_rows(feed.reports, ids, state=history.state, keys=keys, delay=reading.labels.delay)
    both = _joined(history.to_come, own)
    return HistoryState(history.state, both.taken(np.argsort(both.moment, kind="stable")))


def _joined(one: LabelChanges, other: LabelChanges) -> LabelChanges:
    return LabelChanges(
        np.concatenate([one.events, other.events]),
        np.concatenate([one.old, other.old]),
        np.concatenate([one.moment, other.moment]),
    )


def _check_ids(table: pa.Table, state: OnlineState) -> None:
    if missing := [f"'{name}': missing" for name in state.plan.ids if name not in table.column_names]:
        raise InputError(faults_text(missing, "the ids of raw transactions that the state's windows are of"))


def _without_counted(table: pa.Table, stored: StateFolder, key_column: str | None) -> tuple[pa.Table, int]:
    """Without ids nobody can tell a row that comes again: those up to the state's last event are taken for such."""
    if key_column is not None or stored.newest is None:
        return table, 0
    new = table.filter(pc.greater(table["event_time"].cast(pa.int64()), stored.newest))
    return new, table.num_rows - new.num_rows


def _answers(history: HistoryState, events: TableEvents) -> tuple[NDArray[np.float32], NDArray[np.int64], LabelChanges]:
    """Values and outcome of each row, and the changes of labels that are still to come."""
    state, newest = history.state, history.state.newest
    times = events.rows[:, known_rows.TIME]
    old = 0 if newest is None else int(np.searchsorted(times, newest, side="right"))
    values = np.empty((len(times), len(state.plan.names)), np.float32)
    outcomes = np.empty(len(times), np.int64)
    outcomes[:old] = state.accept_rows(events.rows[:old], values[:old])
    state.accept_changes(_labels_that_came(events.rows[:old], outcomes[:old]))
    changes, before = _in_order(history.to_come, events, old)
    if len(times) > old:
        over = int(np.searchsorted(before, len(times) - old))
    else:
        over = int(np.searchsorted(changes.moment, newest or 0, side="right"))
    rest = TableEvents(events.rows[old:], changes.taken(slice(0, over)), before[:over])
    outcomes[old:] = state.accept_table(rest, values[old:])
    return values, outcomes, changes.taken(slice(over, None))


def _labels_that_came(rows: NDArray[np.int64], outcomes: NDArray[np.int64]) -> LabelChanges:
    """Labels of rows that the state knows already."""
    again = rows[(outcomes == Outcome.REPEATED) & (rows[:, known_rows.LABEL] != NO_EVENT)]
    return LabelChanges(again, np.full(len(again), NO_EVENT), again[:, known_rows.LABEL] >> 1)


def _in_order(to_come: LabelChanges, events: TableEvents, old: int) -> tuple[LabelChanges, NDArray[np.int64]]:
    """Changes of the state's rows and of these, and how many of the new rows come before each."""
    waiting = np.searchsorted(events.rows[old:, known_rows.TIME], to_come.moment, side="right")
    before = np.concatenate([waiting, np.maximum(events.before - old, 0)])
    both = _joined(to_come, events.changes)
    order = np.lexsort((both.moment, before))
    return both.taken(order), before[order]


def _remarks(raw: RawFeatures) -> list[str]:
    told = [f"{count:,} rows {TOLD[each]}" for each, count in raw.outcomes.items() if each in TOLD and count]
    return [*told, *([f"{raw.quarantined:,} rows cannot be used, and are not scored"] if raw.quarantined else [])]
