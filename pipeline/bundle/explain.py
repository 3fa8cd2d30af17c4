"""`harbor explain`: the reasons for the rows of a file that a bundle scores highest."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.bundle.manifest import MANIFEST, CheckedBundle, checked_bundle
from pipeline.bundle.reasons import SERVED, USUAL_REFERENCES, Effects, Reason, Reasons, loaded_reasons
from pipeline.bundle.score import TRANSACTION_ID, read_features, repeat_remarks, score_writer
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import feature_arrays
from pipeline.process.hardware import cpu_threads
from pipeline.storage.errors import InputError

USUAL_SHARE = 0.005
"""Rows that are explained unless another share is asked for: as many as a desk is often able to look into."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ExplainOptions:
    """Which rows are explained, and by what.

    Attributes:
        share: of the rows, those of the highest probability; at least one row is explained.
        references: rows that payments are compared with; 1 is their medians.
        threads: rows explained side by side; 0 for one a processor.

    Raises:
        InputError: the share is no share.
    """

    share: float = USUAL_SHARE
    references: int = USUAL_REFERENCES
    threads: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"--share must be above 0 and at most 1, got {self.share:g}")


@dataclass(frozen=True)
class ExplainedFile:
    """How many rows were scored and explained, and what a reader must know of the file."""

    rows: int
    explained: int
    remarks: tuple[str, ...]


def explain_file(
    bundle: Path,
    input_file: Path,
    out: Path,
    *,
    options: ExplainOptions,
    key: bytes | None = None,
    progress: Progress | None = None,
) -> ExplainedFile:
    """Write the reasons for the highest scores among the feature rows of a file.

    Args:
        bundle: the folder.
        input_file: .parquet, .csv or .jsonl with the graph's columns; others are left aside.
        out: .parquet or .csv; a line a row, the highest probability first.
        options: which rows, by what.
        key: what the manifest must be signed with; None asks for no signature.
        progress: called with rows done and rows to do.

    Raises:
        InputError: bundle, input or an option is wrong, the bundle has no reasons, or both files are one; nothing is
            written.
    """
    write = score_writer(out)
    if out.exists() and input_file.exists() and out.samefile(input_file):
        raise InputError(f"--out: reasons must go to another file than the rows, got {out} for both")
    checked = checked_bundle(bundle, key=key)
    scorer = loaded_scorer(checked)
    reasons = loaded_reasons(checked, scorer.signature)
    if reasons is None:
        raise InputError(f"{bundle} must have reasons to explain by, but it was exported without any: export it anew")
    reasons.check_references(options.references)
    table = read_features(input_file, scorer.signature)
    found = explained_table(reasons, scorer, table, options=options, progress=progress)
    digest = pa.repeat(pa.scalar(_bundle_digest(checked)), found.num_rows)
    write(out, found.append_column("bundle", digest))
    return ExplainedFile(table.num_rows, found.num_rows, tuple(repeat_remarks(table)))


def explained_table(
    reasons: Reasons, scorer: Scorer, table: pa.Table, *, options: ExplainOptions, progress: Progress | None = None
) -> pa.Table:
    """Probability and reasons of the rows with the highest scores, the highest first, the first row among equals.

    Returns:
        transaction_id, where the table has it, probability, log_odds, base (log odds of the references), reason_1 …
        with weight (in log odds), value, usual and sentence of each, null where fewer groups raised the score, and the
        counterfactual of the first.

    Raises:
        InputError: the table does not have the graph's columns, or the graph fails.
    """
    threads, arrays = cpu_threads(options.threads), feature_arrays(table, scorer.signature)
    scores = scorer.outputs(arrays, rows=table.num_rows, threads=threads)[SERVED]
    chosen = np.argsort(-scores, kind="stable")[: math.ceil(options.share * table.num_rows)]

    def explained(place: int) -> dict[str, Any]:
        numbers = _numbers(arrays, scorer.signature.numeric, place)
        texts = {name: arrays[name][place : place + 1] for name in scorer.signature.categorical}
        found = reasons.effects(numbers, texts, scorer, SERVED, references=options.references)
        given = [reasons.reason(each, found, numbers, texts) for each in reasons.ranked(found.effects)]
        return _record(found, given)

    records = []
    with ThreadPoolExecutor(threads) as pool:
        for done, record in enumerate(pool.map(explained, chosen.tolist()), start=1):
            records.append(record)
            if progress is not None:
                progress(done, len(chosen))
    columns = pa.Table.from_pylist(records, schema=_schema(reasons.words.top))
    if TRANSACTION_ID not in table.column_names:
        return columns
    ids = table[TRANSACTION_ID].take(pa.array(chosen))
    return columns.add_column(0, TRANSACTION_ID, ids)


def _numbers(arrays: Mapping[str, np.ndarray], names: Sequence[str], place: int) -> np.ndarray:
    """The numeric columns of a row, float32 [1, F]."""
    return np.array([[arrays[name][place, 0] for name in names]], dtype=np.float32).reshape(1, len(names))


def _record(found: Effects, given: Sequence[Reason]) -> dict[str, Any]:
    record: dict[str, Any] = {"probability": found.probability, "log_odds": found.log_odds, "base": found.base}
    for number, reason in enumerate(given, start=1):
        values = (reason.code, reason.effect, reason.value, reason.usual, reason.text)
        record |= {f"{name}_{number}": value for name, value in zip(_OF_REASON, values, strict=True)}
    return record | {"counterfactual": given[0].counterfactual if given else None}


_OF_REASON = {
    "reason": pa.string(),
    "weight": pa.float64(),
    "value": pa.float64(),
    "usual": pa.float64(),
    "sentence": pa.string(),
}
"""Columns that each reason has, numbered from the strongest on."""


def _schema(top: int) -> pa.Schema:
    numbers = [(name, pa.float64()) for name in ("probability", "log_odds", "base")]
    reasons = [(f"{name}_{number}", kind) for number in range(1, top + 1) for name, kind in _OF_REASON.items()]
    return pa.schema([*numbers, *reasons, ("counterfactual", pa.string())])


def _bundle_digest(checked: CheckedBundle) -> str:
    """SHA-256 of the manifest, which names every other file by its own."""
    return hashlib.sha256((checked.folder / MANIFEST).read_bytes()).hexdigest()
