"""The data of a configuration opened as a run would open it, with nothing of it kept: transactions, folds, windows.

It is the work of the stages themselves, in a folder that goes again, so whatever they refuse is refused here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from features.windows.spec import FeatureSpec
from pipeline.config import Config
from pipeline.inspection.ingested_data import ingested_in, trial_context
from pipeline.process.reporter import Reporter
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.features.full_windows import cold_warnings
from pipeline.stages.features.label_maturity import maturity_warnings
from pipeline.stages.features.labelled_folds import LabelledFolds, labelled_folds
from pipeline.stages.features.make_features import check_entities, specification
from pipeline.stages.features.scarce_frauds import scarce_warnings


@dataclass(frozen=True)
class OpenedData:
    """What a run would find.

    Attributes:
        report: of ingest.
        transactions: canonical rows by time.
        spec: the features to be made of them.
        labelled: their folds.
    """

    report: IngestReport
    transactions: pa.Table
    spec: FeatureSpec
    labelled: LabelledFolds

    @property
    def warnings(self) -> Iterator[str]:
        """What ingest and features would warn of, as far as that shows before features are made."""
        yield from self.report.warnings
        folds = self.labelled.folds
        yield from scarce_warnings(folds, self.transactions)
        yield from cold_warnings(folds.folds[0], warmup=self.labelled.warmup, full_from=self.labelled.full_from)
        yield from maturity_warnings(self.labelled.maturity)


def opened_data(config: Config, *, as_of: int | None, reporter: Reporter | None = None) -> OpenedData:
    """The transactions of a configuration and their folds.

    Args:
        config: with the checks of its names done.
        as_of: microseconds since 1970, or None.
        reporter: is told how far the reading has come; None says nothing.

    Raises:
        InputError: whatever ingest refuses, and a history that does not fill the folds, with a layout that it would.
    """
    with TemporaryDirectory(prefix="harbor-") as folder:
        found = ingested_in(Path(folder), config, as_of=as_of, reporter=reporter)
        context = trial_context("features", Path(folder), config, as_of, reporter)
        check_entities(context)
        spec = specification(context, found.transactions)
        return OpenedData(found.report, found.transactions, spec, labelled_folds(context, found.transactions, spec))
