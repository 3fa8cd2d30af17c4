"""What calibrate says: the maps that it fitted and the doubts about them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.stages.artifacts.report_files import WrittenReport
from pipeline.stages.artifacts.tails import Tail


@dataclass(frozen=True, kw_only=True)
class CalibrateReport(WrittenReport):
    """calibrate/report.json.

    Attributes:
        fold: the fold that the maps were fitted on.
        rows: its rows of known label.
        frauds: of these the frauds.
        calibrators: every candidate's map as its kind writes itself.
        tail_share: share of rows that only a tail of the inverse could place, per head.
        tails: what was promised and what was seen in the lower and the upper tail, per head.
        notes: doubts about single maps, in words.
    """

    fold: str
    rows: int
    frauds: int
    calibrators: Mapping[str, Mapping[str, object]]
    tail_share: Mapping[str, float | None]
    tails: Mapping[str, Mapping[str, Tail]]
    notes: tuple[str, ...]
