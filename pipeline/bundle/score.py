"""`harbor score` and `harbor verify`: what can be done with a bundle alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from features.schema.column_text import decoded, text_values
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import Signature
from pipeline.process.hardware import cpu_threads
from pipeline.reading.whole_table import file_columns, row_file, whole_table
from pipeline.storage.atomic import write_bytes
from pipeline.storage.errors import InputError

TRANSACTION_ID = "transaction_id"


def score_file(bundle: Path, input_file: Path, out: Path, *, key: bytes | None = None, threads: int = 0) -> int:
    """Score the feature rows of a file with a bundle whose files have been checked.

    Args:
        bundle: the folder.
        input_file: .parquet, .csv or .jsonl with the graph's columns; others are left aside.
        out: .parquet or .csv; gets transaction_id, where the input has it, and every output of the graph.
        key: what the manifest must be signed with; None asks for no signature.
        threads: batches scored side by side; 0 for one a processor.

    Returns:
        The number of rows.

    Raises:
        InputError: the bundle, the input or the kind of a file is wrong; nothing is written then.
    """
    write = _writer(out)
    if out.exists() and input_file.exists() and out.samefile(input_file):
        raise InputError(f"scores must go to another file than the rows, got {out} for both")
    scorer = loaded_scorer(checked_bundle(bundle, key=key))
    table = read_features(input_file, scorer.signature)
    write(out, scored_table(scorer, table, threads=cpu_threads(threads)))
    return int(table.num_rows)


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
        raise InputError(f"{len(missing)} of the graph's {len(signature.inputs)} columns missing in {path}: {few}")
    table = whole_table(file, [name for name in (TRANSACTION_ID, *signature.inputs) if name in held])
    if TRANSACTION_ID not in held or not pa.types.is_binary(table.schema.field(TRANSACTION_ID).type):
        return table
    return table.set_column(0, TRANSACTION_ID, text_values(decoded(table[TRANSACTION_ID])[0]))


def _writer(out: Path) -> Callable[[Path, pa.Table], None]:
    writers = {".parquet": _write_parquet, ".csv": _write_csv}
    if out.suffix not in writers:
        raise InputError(f"scores must go to a .parquet or .csv file, got {out.name!r}")
    return writers[out.suffix]


def _write_parquet(path: Path, table: pa.Table) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    write_bytes(path, buffer.getvalue().to_pybytes())


def _write_csv(path: Path, table: pa.Table) -> None:
    buffer = pa.BufferOutputStream()
    pacsv.write_csv(table, buffer)
    write_bytes(path, buffer.getvalue().to_pybytes())
