"""`harbor score --transactions`: raw rows through the windows of a state, then through the graph of a bundle."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.online.state import Outcome
from pipeline.bundle.coverage import feature_coverage
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.score import ScoredFile, score_writer, scored_table
from pipeline.bundle.scorer import loaded_scorer
from pipeline.online.raw_features import TRANSACTION_ID, RawFeatures, raw_features
from pipeline.process.hardware import cpu_threads
from pipeline.state.state_files import check_same_features, checked_state, write_next_state

TOLD = {
    Outcome.REPEATED: "were in the state already, and are not scored again",
    Outcome.CONFLICT: "have the transaction_id of another row in the state, and are not scored",
    Outcome.LATE: "came late, and were counted from then on",
    Outcome.TOO_LATE: "came too late to be counted, and were scored with what there was",
    Outcome.AMOUNT: "have an amount beyond what windows take, and are not scored",
}


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


def _remarks(raw: RawFeatures) -> Iterator[str]:
    for outcome, count in raw.outcomes.items():
        if outcome in TOLD and count:
            yield f"{count:,} rows {TOLD[outcome]}"
    if raw.aside.forgotten:
        yield f"{raw.aside.forgotten:,} rows are older than the state knows rows by their ids, and are not scored"
    if raw.aside.quarantined:
        yield f"{raw.aside.quarantined:,} rows cannot be used, and are not scored"
