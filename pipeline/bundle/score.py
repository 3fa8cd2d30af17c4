"""`harbor score` and `harbor verify`: what can be done with a bundle alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.schema.column_text import decoded, text_values
from pipeline.bundle.coverage import Coverage, feature_coverage
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import Signature
from pipeline.process.hardware import cpu_threads
from pipeline.reading.whole_table import file_columns, row_file, whole_table
from pipeline.storage.atomic import write_bytes
from pipeline.storage.csv_text import csv_bytes
from pipeline.storage.errors import InputError

TRANSACTION_ID = "transaction_id"


@dataclass(frozen=True)
class ScoredFile:
    """What was scored: rows, what of them the model does not know, and what a reader must know of the file."""

    rows: int
    coverage: Coverage
    remarks: tuple[str, ...]


def score_file(bundle: Path, input_file: Path, out: Path, *, key: bytes | None = None, threads: int = 0) -> int:
    """The number of rows that `scored_file` scored."""
    return scored_file(bundle, input_file, out, key=key, threads=threads).rows


def scored_file(bundle: Path, input_file: Path, out: Path, *, key: bytes | None = None, threads: int = 0) -> ScoredFile:
    """Score the feature rows of a file with a bundle whose files have been checked.

    Args:
        bundle: the folder.
        input_file: .parquet, .csv or .jsonl with the graph's columns; others are left aside.
        out: .parquet or .csv; gets transaction_id, where the input has it, and every output of the graph.
        key: what the manifest must be signed with; None asks for no signature.
        threads: batches scored side by side; 0 for one a processor.

    Raises:
        InputError: the bundle, the input or the kind of a file is wrong, or both files are one; nothing is written.
    """
    write = score_writer(out)
    if out.exists() and input_file.exists() and out.samefile(input_file):
        raise InputError(f"--out: scores must go to another file than the rows, got {out} for both")
    checked = checked_bundle(bundle, key=key)
    scorer = loaded_scorer(checked)
    table = read_features(input_file, scorer.signature)
    write(out, scored_table(scorer, table, threads=cpu_threads(threads)))
    coverage = feature_coverage(table, scorer.signature, checked.read_json("encoder.json"))
    return ScoredFile(int(table.num_rows), coverage, tuple(repeat_remarks(table)))


def scored_table(scorer: Scorer, table: pa.Table, *, threads: int) -> pa.Table:
    """transaction_id, where the table has it, beside every output."""
    columns: dict[str, Any] = {TRANSACTION_ID: table[TRANSACTION_ID]} if TRANSACTION_ID in table.column_names else {}
    return pa.table({**columns, **scorer.probabilities(table, threads=threads)})


def read_features(path: Path, signature: Signature) -> pa.Table:
    """The graph's columns, and transaction_id where there is one, of a .parquet, .csv or .jsonl file.

    Raises:
        InputError: the file is missing, of another kind, not readable, or lacks columns.
    """
    file = row_file(path, "feature rows")
    held = file_columns(file)
    missing = [repr(name) for name in signature.inputs if name not in held]
    if missing:
        few = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        fault = f"{len(missing)} of the graph's {len(signature.inputs)} columns missing in {path}: {few}"
        if 2 * len(missing) > len(signature.inputs):
            fault += "; raw transactions need --transactions and --state in place of --input"
        raise InputError(fault)
    table = whole_table(file, [name for name in (TRANSACTION_ID, *signature.inputs) if name in held])
    if TRANSACTION_ID not in held or not pa.types.is_binary(table.schema.field(TRANSACTION_ID).type):
        return table
    return table.set_column(0, TRANSACTION_ID, text_values(decoded(table[TRANSACTION_ID])[0]))


def repeat_remarks(table: pa.Table) -> Iterator[str]:
    """That a file holds transactions more than once."""
    if TRANSACTION_ID in table.column_names:
        ids = table[TRANSACTION_ID].drop_null()
        if repeats := len(ids) - len(pc.unique(ids)):
            yield f"{repeats:,} of {table.num_rows:,} rows repeat the transaction_id of another row"


def score_writer(out: Path) -> Callable[[Path, pa.Table], None]:
    """What writes scores into a file of this name.

    Raises:
        InputError: it is neither .parquet nor .csv.
    """
    writers = {".parquet": _write_parquet, ".csv": _write_csv}
    if out.suffix not in writers:
        raise InputError(f"scores must go to a .parquet or .csv file, got {out.name!r}")
    return writers[out.suffix]


def _write_parquet(path: Path, table: pa.Table) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    write_bytes(path, buffer.getvalue().to_pybytes())


def _write_csv(path: Path, table: pa.Table) -> None:
    write_bytes(path, csv_bytes(table))
