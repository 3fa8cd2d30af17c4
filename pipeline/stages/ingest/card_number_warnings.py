"""Whether ids that were kept as they came are card numbers, which every file of the run would hold."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.state.card_numbers import CardNumbersError, check_no_card_numbers

MOST_IDS = 100_000
"""Different ids that are looked at; chance tells from fewer what they are."""


def card_number_warnings(transactions: Path, *, hashed: bool) -> Iterator[str]:
    """A warning for every column of ids that holds card numbers.

    Args:
        transactions: the file that ingest wrote.
        hashed: whether its card_id is a hash under a secret.
    """
    with pq.ParquetFile(transactions) as file:
        names = [name for name in file.schema_arrow.names if name.endswith("_id") and name != "transaction_id"]
        for name in (each for each in names if not (hashed and each == "card_id")):
            try:
                check_no_card_numbers(_some_ids(file, name), name=name)
            except CardNumbersError:
                yield (
                    f"PLAIN CARD NUMBERS: {name} holds them, and every file of this run will; hash card_id under a "
                    "secret (name its variable in data.hash_key_env), and keep other columns of them out of the preset"
                )


def _some_ids(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    found: set[str] = set()
    for batch in file.iter_batches(columns=[name]):
        found.update(pc.unique(pc.cast(batch.column(0), pa.string())).drop_null().to_pylist())
        if len(found) >= MOST_IDS:
            break
    return pa.chunked_array([pa.array(sorted(found), pa.string())])
