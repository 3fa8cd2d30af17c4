"""What a stage is and what it may read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.earlier_labels import EARLIER_LABELS
from pipeline.config import Config
from pipeline.process.hardware import cpu_threads
from pipeline.process.reporter import Reporter
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.storage.content import read_table, write_json
from pipeline.storage.done import read_done
from pipeline.tracking.stage_log import StageLog

CHAMPION_FILE = "champion/champion.json"
"""What a run folder notes of the champion it is judged against."""
ANCHOR = "anchor"
"""Key of that file, and folder beside it, for the model that was champion a while ago."""


def _nothing_to_refuse(_: Config) -> None:
    """Every configuration will do."""


def _nothing_outside(_: Config) -> Sequence[tuple[str, Path | str]]:
    return ()


@dataclass(frozen=True)
class Stage:
    """One job of the pipeline.

    Attributes:
        name: its verb and its folder in the run.
        work: does it, and returns one line that says what came out.
        reads: the earlier stages whose files it may open.
        sections: the configuration that its output depends on: sections, or single keys as "section.key".
        outside: what it takes from beyond the run folder by name: a file, or a digest of something else.
        sees_test_labels: whether it may read the labels of the test fold: evaluate, and once that has finished refit.
        check: refuses settings that can be known to be wrong before any stage works.
        meets_champion: whether its output depends on the champion that lies in the run folder.
    """

    name: str
    work: "Callable[[StageContext], str]"
    reads: tuple[str, ...]
    sections: tuple[str, ...]
    outside: Callable[[Config], Sequence[tuple[str, Path | str]]] = field(default=_nothing_outside)
    check: Callable[[Config], None] = field(default=_nothing_to_refuse)
    sees_test_labels: bool = False
    meets_champion: bool = False

    def follows_champion(self, config: Config) -> bool:
        """Whether another champion makes its output stale: one to be met, or one whose setting is checked again."""
        return self.meets_champion or ("sweep" in self.sections and config.sweep.mode == "recheck")


@dataclass(frozen=True)
class StageContext:
    """What a stage works with: the folder it writes, the files it may read, configuration, log and reporter."""

    stage: Stage
    run: Path
    out: Path
    config: Config
    as_of: int | None
    log: StageLog
    reporter: Reporter

    @property
    def threads(self) -> int:
        """How many threads a stage may use on this machine."""
        return cpu_threads(self.config.train.threads)

    def path(self, stage: str, name: str) -> Path:
        """A file that an earlier stage wrote.

        Raises:
            PermissionError: this stage does not declare that it reads the other.
        """
        if stage not in self.stage.reads:
            raise PermissionError(f"{self.stage.name} does not declare that it reads {stage}")
        return self.run / stage / name

    @property
    def ingest_report(self) -> IngestReport:
        """What ingest said of its data.

        Raises:
            PermissionError: this stage does not declare that it reads ingest.
            InputError: the file is not such a report.
        """
        return IngestReport.read(self.path("ingest", "report.json"))

    @property
    def features_report(self) -> FeaturesReport:
        """What the features stage said of columns and folds.

        Raises:
            PermissionError: this stage does not declare that it reads features.
            InputError: the file is not such a report.
        """
        return FeaturesReport.read(self.path("features", "report.json"))

    def features(self, fold: str, *, labels: bool = True) -> pa.Table:
        """The feature rows of one fold; without `labels` the label column is all null and every weight 1.

        Raises:
            PermissionError: the labels of the test fold, asked for by a stage that may not see them.
        """
        if fold == "test" and labels and not self.stage.sees_test_labels:
            raise PermissionError(f"{self.stage.name} may not read the labels of the test fold")
        table = read_table(self.path("features", "features.parquet"), filters=pc.field("fold") == fold)
        return table if labels else _without_labels(table)

    def all_labels(self) -> pa.Table:
        """Time, label, when it came, what it was before, and how probable its approval was, of every accepted row.

        Those of the test fold are among them. The last two columns are there where the data has them.

        Raises:
            PermissionError: this stage may not see the labels of test, or the verdict on them is still to come.
        """
        if not self.stage.sees_test_labels or read_done(self.run / "evaluate") is None:
            raise PermissionError(f"{self.stage.name} may not read every label before evaluate has finished")
        path = self.path("ingest", "transactions.parquet")
        present = pq.read_schema(path).names
        names = ("event_time", "label", "label_available_at", EARLIER_LABELS, "approval_probability")
        return read_table(path, columns=[name for name in names if name in present])

    def features_after(self, fold: str) -> pa.Table:
        """The feature rows later than a fold, their labels null."""
        moment = pa.scalar(self.features_report.folds[fold].end, pa.timestamp("us", "UTC"))
        path = self.path("features", "features.parquet")
        return _without_labels(read_table(path, filters=pc.field("event_time") > moment))

    def report(self, content: Mapping[str, Any]) -> None:
        """Write the stage's report.json."""
        write_json(self.out / "report.json", content)


def label_weight(table: pa.Table) -> pa.ChunkedArray:
    """How many rows of its class each feature row stands for; 1 where the table does not say [N]."""
    if "label_weight" in table.column_names:
        return table["label_weight"]
    return pa.chunked_array([pa.repeat(pa.scalar(1, pa.float32()), len(table))])


def _without_labels(table: pa.Table) -> pa.Table:
    """Labels null and weights 1: how long a label took tells its class."""
    hidden = {
        "label": pa.nulls(len(table), pa.int8()),
        "label_weight": pa.repeat(pa.scalar(1, pa.float32()), len(table)),
    }
    for name in (each for each in hidden if each in table.column_names):
        values, place = hidden[name], table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), values)
    return table
