"""`harbor score` and `harbor verify`: what can be done with a bundle alone."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import Signature
from pipeline.process.hardware import cpu_threads
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError

TRANSACTION_ID = "transaction_id"
QUOTED = re.compile(r"(invalid value|columns, got \d+|Invalid value\.).*")
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError, json.JSONDecodeError)


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
        raise InputError(
            f"{path} must be readable as {kind} with the graph's columns, but: {reading_fault(error)}"
        ) from None
    missing = [repr(name) for name in signature.inputs if name not in table.column_names]
    if missing:
        few = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise InputError(f"{len(missing)} of the graph's {len(signature.inputs)} columns missing in {path}: {few}")
    return table


def _read_parquet(path: Path, signature: Signature) -> pa.Table:
    return read_table(path, columns=_wanted(path, pq.read_schema(path).names, signature))


def _read_csv(path: Path, signature: Signature) -> pa.Table:
    """Types are given, never guessed: 0001 is an id, NA is a category, and only an empty number is missing."""
    with pacsv.open_csv(path) as reader:
        present = reader.schema.names
    convert = pacsv.ConvertOptions(
        column_types={**_types(signature), TRANSACTION_ID: pa.string()},
        include_columns=_wanted(path, present, signature),
        null_values=[""],
        strings_can_be_null=False,
    )
    return pacsv.read_csv(path, convert_options=convert)


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


def reading_fault(error: Exception) -> str:
    """What a reader says of a file in its first line, without the values or the row that it quotes."""
    return QUOTED.sub(r"\1", str(error).splitlines()[0])


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
