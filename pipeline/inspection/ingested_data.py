"""What ingest would make of a configuration's files, made in a folder that goes again."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from pipeline.config import Config
from pipeline.process.reporter import Reporter, SilentReporter
from pipeline.stages import STAGES
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.stage import Stage, StageContext
from pipeline.storage.content import read_table
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog


@dataclass(frozen=True)
class IngestedData:
    """What ingest would leave: its report, and canonical rows by time."""

    report: IngestReport
    transactions: pa.Table


def ingested_data(config: Config, *, as_of: int | None, reporter: Reporter | None = None) -> IngestedData:
    """The transactions of a configuration, read as ingest reads them.

    Raises:
        InputError: whatever ingest refuses.
    """
    with TemporaryDirectory(prefix="harbor-") as folder:
        return ingested_in(Path(folder), config, as_of=as_of, reporter=reporter)


def ingested_in(run: Path, config: Config, *, as_of: int | None, reporter: Reporter | None) -> IngestedData:
    """The same in a run folder that the caller has made and will remove."""
    context = trial_context("ingest", run, config, as_of, reporter)
    context.stage.work(context)
    return IngestedData(
        IngestReport.read(context.out / "report.json"), read_table(context.out / "transactions.parquet")
    )


def trial_context(name: str, run: Path, config: Config, as_of: int | None, reporter: Reporter | None) -> StageContext:
    """The stage at work in a run folder that nobody keeps."""
    log = StageLog(Journal(run / "journal.jsonl"), "inspection", parent=None)
    (run / name).mkdir()
    return StageContext(_stage(name), run, run / name, config, as_of, log, _Progress(reporter))


def _stage(name: str) -> Stage:
    return next(each for each in STAGES if each.name == name)


class _Progress(SilentReporter):
    """Passes on how far the work has come; what a stage says of itself is said by whoever opened the data."""

    def __init__(self, reporter: Reporter | None) -> None:
        self._reporter = reporter

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        if self._reporter is not None:
            self._reporter.progress(done, total, note)
