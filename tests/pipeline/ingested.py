"""One call of the ingest job with everything it left behind."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sections import DataConfig
from pipeline.stages.ingest.job import ingest_transactions

PRESETS = Path(__file__).parent.parent / "golden" / "presets"
WEEK = 7 * 86_400_000_000


@dataclass(frozen=True)
class Ingested:
    """What one ingest job wrote and said."""

    table: pa.Table
    quarantine: pa.Table
    report: dict[str, Any]

    @property
    def reasons(self) -> list[str]:
        return [reason for reasons in self.quarantine["reasons"].to_pylist() for reason in reasons]


def no_simulation(rows: int, seed: int) -> pa.Table:
    raise AssertionError("nothing asked for a simulation")


def ingested(
    source: Any, *, delay: int = WEEK, as_of: int | None = None, simulate: Any = no_simulation, **data: Any
) -> Ingested:
    source = str(source) if isinstance(source, Path) else source
    config = DataConfig.model_validate({"source": source, "max_quarantined_share": 0.9, **data})
    with tempfile.TemporaryDirectory() as folder:
        transactions, quarantine = Path(folder) / "transactions.parquet", Path(folder) / "quarantine.parquet"
        report = ingest_transactions(
            config,
            labels_delay=delay,
            as_of=as_of,
            simulate=simulate,
            transactions_to=transactions,
            quarantine_to=quarantine,
        )
        assert sorted(path.name for path in Path(folder).iterdir()) == ["quarantine.parquet", "transactions.parquet"]
        return Ingested(
            pq.read_table(transactions, page_checksum_verification=True),
            pq.read_table(quarantine, page_checksum_verification=True),
            report,
        )
