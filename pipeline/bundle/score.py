"""`harbor score` and `harbor verify`: what can be done with a bundle alone."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from pipeline.bundle.coverage import Coverage, feature_coverage
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.reading_faults import csv_fault
from pipeline.bundle.reading_faults import reading_fault as reading_fault
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import Signature
from pipeline.process.hardware import cpu_threads
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError

TRANSACTION_ID = "transaction_id"
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError, json.JSONDecodeError)


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
    write = _writer(out)
    if out.exists() and input_file.exists() and out.samefile(input_file):
        raise InputError(f"--out must be another file than --input, got {out} for both")
    checked = checked_bundle(bundle, key=key)
    scorer = loaded_scorer(checked)
    table = read_features(input_file, scorer.signature)
    write(out, scored_table(scorer, table, threads=cpu_threads(threads)))
    coverage = feature_coverage(table, scorer.signature, checked.read_json("encoder.json"))
    return ScoredFile(int(table.num_rows), coverage, tuple(delivery_remarks(input_file, table)))


def scored_table(scorer: Scorer, table: pa.Table, *, threads: int) -> pa.Table:
    """transaction_id, where the table has it, beside every output."""
    columns: dict[str, Any] = {TRANSACTION_ID: table[TRANSACTION_ID]} if TRANSACTION_ID in table.column_names else {}
    return pa.table({**columns, **scorer.probabilities(table, threads=threads)})


def read_features(path: Path, signature: Signature) -> pa.Table:
    """The graph's columns, and transaction_id where there is one, of a .parquet, .csv or .jsonl file.

    Raises:
        InputError: the file is missing, of another kind, not readable, or lacks columns.
    """
    readers: dict[str, Callable[[Path, Signature], pa.Table]] = {
        ".parquet": _read_parquet,
        ".csv": _read_csv,
        ".jsonl": _read_jsonl,
    }
    if path.suffix not in readers:
        raise InputError(f"feature rows must be in a .parquet, .csv or .jsonl file, got {path.name!r}")
    if not path.is_file():
        raise InputError(f"feature rows must be in a file, but {path} is none")
    try:
        table = readers[path.suffix](path, signature)
    except UNREADABLE as error:
        kind = path.suffix.removeprefix(".")
        fault = csv_fault(path, _csv_options(path, signature), error) if kind == "csv" else reading_fault(error)
        raise InputError(f"{path} must be readable as {kind} with the graph's columns, but: {fault}") from None
    missing = [repr(name) for name in signature.inputs if name not in table.column_names]
    if missing:
        few = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise InputError(f"{len(missing)} of the graph's {len(signature.inputs)} columns missing in {path}: {few}")
    return table


def delivery_remarks(path: Path, table: pa.Table) -> Iterator[str]:
    """That a file may not be whole, or holds transactions more than once.

    Args:
        path: of text or Parquet.
        table: its rows.
    """
    if path.suffix in (".csv", ".jsonl") and not _ends_in_line_break(path):
        yield f"the last line of {path.name} has no line break: the file may have been cut there"
    if TRANSACTION_ID in table.column_names:
        ids = table[TRANSACTION_ID].drop_null()
        if repeats := len(ids) - len(pc.unique(ids)):
            yield f"{repeats:,} of {table.num_rows:,} rows repeat the transaction_id of another row"


def _ends_in_line_break(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 1))
        return stream.read() in (b"\n", b"\r")


def _read_parquet(path: Path, signature: Signature) -> pa.Table:
    return read_table(path, columns=_wanted(path, pq.read_schema(path).names, signature))


def _read_csv(path: Path, signature: Signature) -> pa.Table:
    """Types are given, never guessed: 0001 is an id, NA is a category, and only an empty number is missing."""
    return pacsv.read_csv(path, convert_options=_csv_options(path, signature))


def _csv_options(path: Path, signature: Signature) -> pacsv.ConvertOptions | None:
    """How the graph's columns are read; None where the file has not even a header."""
    try:
        with pacsv.open_csv(path) as reader:
            present = reader.schema.names
    except UNREADABLE:
        return None
    return pacsv.ConvertOptions(
        column_types={**_types(signature), TRANSACTION_ID: pa.string()},
        include_columns=_wanted(path, present, signature),
        null_values=[""],
        strings_can_be_null=False,
    )


def _read_jsonl(path: Path, signature: Signature) -> pa.Table:
    schema = pa.schema(list(_types(signature).items()))
    options = pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    table = pajson.read_json(path, parse_options=options)
    known = set(_keys_of_first_line(path))
    wanted = _wanted(path, table.column_names, signature)
    # a column that no row has comes back as nulls, which must not pass for values that are missing
    absent = {name for name in wanted if name not in known and table[name].null_count == table.num_rows}
    return table.select([name for name in wanted if name not in absent])


def _wanted(path: Path, present: Sequence[str], signature: Signature) -> list[str]:
    wanted = [name for name in (TRANSACTION_ID, *signature.inputs) if name in present]
    if twice := [name for name in wanted if present.count(name) > 1]:
        raise InputError(f"{path} must have each column once, got {twice} more than once")
    return wanted


def _keys_of_first_line(path: Path) -> Mapping[str, Any]:
    with path.open(encoding="utf-8") as stream:
        first = json.loads(stream.readline() or "{}")
    return first if isinstance(first, dict) else {}


def _types(signature: Signature) -> dict[str, pa.DataType]:
    return {**dict.fromkeys(signature.numeric, pa.float64()), **dict.fromkeys(signature.categorical, pa.string())}


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
