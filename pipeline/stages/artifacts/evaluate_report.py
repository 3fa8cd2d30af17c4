"""What others read of evaluate's report: the verdict of the gate, what was judged, and the drift in words."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated

from pydantic import Field

from pipeline.stages.artifacts.report_files import ReadReport
from pipeline.stages.artifacts.train_report import SelectedSetting


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """Whether a run may be promoted, every reason against it, and what to do about each."""

    passed: bool
    reasons: tuple[str, ...]
    remedies: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What a person reads: each reason, and under it what to do where there is something to do."""
        told = zip_longest(self.reasons, self.remedies, fillvalue="")
        return [line for reason, remedy in told for line in (reason, f"  → {remedy}" if remedy else "") if line]


@dataclass(frozen=True, kw_only=True)
class JudgedPopulation:
    """The rows of the test fold whose outcome is known; start and end as ISO 8601."""

    rows: int
    frauds: int
    prevalence: float | None
    start: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]


@dataclass(frozen=True, kw_only=True)
class DriftVerdict:
    """What moved between train and the newest rows: one sentence, and the findings behind it as they are written."""

    sentence: str
    alarms: tuple[object, ...]


@dataclass(frozen=True, kw_only=True)
class SmoothingSweep:
    """The selected setting, and every setting that was tried as it is written."""

    selected: SelectedSetting
    sweep: tuple[object, ...]


@dataclass(frozen=True, kw_only=True)
class GateReport(ReadReport):
    """evaluate/report.json for those who ask for the verdict alone."""

    gate: GateVerdict


@dataclass(frozen=True, kw_only=True)
class VerdictReport(GateReport):
    """The same with the numbers of what ships, as a machine that reads logs wants them."""

    shipped: str
    candidates: dict[str, dict[str, object]]

    @property
    def metrics(self) -> dict[str, object]:
        """Statistic to value of the shipped candidate; None where it is undefined."""
        found = self.candidates[self.shipped]
        return {name: record["value"] for name, record in found.items() if isinstance(record, dict)}


@dataclass(frozen=True, kw_only=True)
class EvaluateReport(GateReport):
    """evaluate/report.json as far as the program itself reads it; the rest is for people."""

    population: JudgedPopulation
    drift: DriftVerdict
    smoothing: SmoothingSweep
