"""What refit says, as far as others read it: which model ships, and what a refit in use has come to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.stages.artifacts.report_files import ReadReport, Time


@dataclass(frozen=True, kw_only=True)
class RefitInUse:
    """The champion's refit against its judged twin on rows that neither had seen, with limits that hold on all days."""

    value: float | None
    low: float | None
    high: float | None
    days: int
    rows: int
    frauds: int
    champion: str = ""

    @property
    def worse(self) -> bool:
        """Whether the refit is shown to be worse."""
        return self.low is not None and self.low > 0


@dataclass(frozen=True, kw_only=True)
class RefitReport(ReadReport):
    """refit/report.json.

    Attributes:
        ships: which model export makes a bundle of.
        reasons: why the judged one ships; empty where the refit does.
        moment: of the run.
        judged_seen_until: the last event that the judged model saw.
        refit_seen_until: the last event that the refit saw; None where the judged model ships.
        refit_in_use: what the champion's refit has come to; None where there is none to speak of.
    """

    ships: Literal["refit", "judged"]
    reasons: tuple[str, ...]
    moment: Time
    judged_seen_until: Time
    refit_seen_until: Time | None = None
    refit_in_use: Annotated[RefitInUse | None, Field()] = None

    @property
    def refitted(self) -> bool:
        """Whether the refit ships."""
        return self.ships == "refit"


def read_refit(folder: Path) -> RefitReport:
    """The report of a run's refit.

    Raises:
        InputError: the file is not such a report.
    """
    return RefitReport.read(folder / "report.json")
