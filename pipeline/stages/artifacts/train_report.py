"""What train says: the setting that it selected and by which rule."""

from dataclasses import dataclass

from pipeline.stages.artifacts.report_files import WrittenReport


@dataclass(frozen=True, kw_only=True)
class SelectedSetting:
    """The setting of the sweep that goes on."""

    smoothing: float
    class_weight: str


@dataclass(frozen=True, kw_only=True)
class TrainReport(WrittenReport):
    """train/report.json.

    Attributes:
        prevalence: share of fraud among the rows that were fitted on.
        selected: the setting that goes on.
        rule: how it was selected, in words.
        smallest_mean: the setting of the smallest mean log loss.
        remark: the two compared, in words.
        trees: how many the booster kept.
        notes: what a reader must know of the fits.
        warm: whether its network went on from the champion's, on the schedule of `sweep.recheck_epochs`.
    """

    prevalence: float
    selected: SelectedSetting
    rule: str
    smallest_mean: SelectedSetting
    remark: str
    trees: int
    notes: tuple[str, ...]
    warm: bool = False
