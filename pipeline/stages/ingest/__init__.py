"""Raw files to valid transactions, sorted by time, and quarantined rows with reasons.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from collections.abc import Sequence
from pathlib import Path

from pipeline.config import Config
from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Raw files to transactions.parquet and quarantine.parquet; one line on what came out."""
    from pipeline.stages.ingest.make_transactions import make_transactions

    return make_transactions(context)


def check(config: Config) -> None:
    """Files that are not there, and names that mean nothing or are Harbor's own, refused before any work."""
    from pipeline.reading.sources import check_local_files
    from pipeline.sections import SIMULATE

    if config.data.source != SIMULATE:
        check_local_files(config.data.source)
    from pipeline.stages.ingest.checked_names import check_names

    check_names(config)


def outside_inputs(config: Config) -> Sequence[tuple[str, Path | str]]:
    """What decides the output beside the configuration: source files, preset, and the secret for card ids."""
    from pipeline.stages.ingest.make_transactions import outside_inputs

    return outside_inputs(config)
