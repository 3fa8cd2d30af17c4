"""Every section of the configuration that evaluation reads; it imports no worker, so that loading one is quick."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class BootstrapSettings:
    """What the statistics inside a bootstrap need to know.

    Attributes:
        resamples: how often whole clusters are drawn; 0 draws none and leaves every interval undefined.
        budget: share of rows that an alert budget flags, in (0, 1].
        bins: bins of the calibration errors.
        threshold: rows with P(fraud) at or above it count as flagged in `precision_at_half`.
        level: legitimate rows above it count as certainty misplaced.
        top_cards: cards looked into per day.
        ranking: False leaves out every statistic that needs the order of rows.
        confidence: coverage of the intervals.
    """

    resamples: int = 1000
    budget: float = 0.01
    bins: int = 15
    threshold: float = 0.5
    level: float = 0.95
    top_cards: int = 100
    ranking: bool = True
    confidence: float = 0.95


class SelectionConfig(BaseModel):
    """How the settings of the sweep are ranked on valid: which of them trains the head that ships."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folds: int = Field(
        5, ge=2, le=1_000, description="blocks of time over which the affine map of a margin is cross-fitted"
    )
    auc_tolerance: float = Field(
        0.01,
        ge=0,
        le=1,
        description="how far below the ROC AUC of ε = 0 without class weights a setting may lie and still win",
    )


class EvaluationConfig(BaseModel):
    """How candidates are judged on the test fold: intervals, slices, bins and what a resample draws as a whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resamples: int = Field(
        1000, ge=100, le=1_000_000, description="bootstrap resamples behind every interval of the test fold"
    )
    slice_resamples: int = Field(
        200, ge=100, le=1_000_000, description="bootstrap resamples behind the intervals of slices"
    )
    cluster: Literal["auto", "card", "merchant", "day", "row"] = Field(
        "auto",
        description="what is drawn as a whole: card, merchant, day or row; "
        '"auto": cards and merchants two-way where the data has both, never narrower than by day',
    )
    min_clusters: int = Field(
        30, ge=2, le=10**9, description="cards, merchants or days below which that unit is not drawn and another one is"
    )
    budget: float = Field(0.01, gt=0, le=1, description="share of rows the headline alert budget flags")
    budgets: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.001, 0.005, 0.01, 0.05), max_length=100, description="alert budgets judged as populations"
    )
    borderline: tuple[Share, Share] = Field((0.2, 0.8), description="probabilities that count as undecided")
    bins: int = Field(15, ge=2, le=100_000, description="bins of the calibration errors and reliability tables")
    groups: int = Field(12, ge=1, le=100_000, description="largest values of each grouping that get a slice")
    min_slice_frauds: int = Field(
        20, ge=1, le=10**9, description="frauds a slice needs before its numbers are shown with intervals"
    )
    protected: tuple[str, ...] = Field(
        (),
        description="categorical columns, such as an age group, that are never inputs of a model: the report compares "
        "their groups' shares of false alerts",
    )
    reference_prevalence: float | None = Field(
        None, gt=0, lt=1, description="also show every candidate re-weighted to this prevalence"
    )

    def bootstrap(self, resamples: int | None = None) -> BootstrapSettings:
        """What a bootstrap of the headline needs, with `resamples` or another number of them."""
        return BootstrapSettings(
            resamples=self.resamples if resamples is None else resamples, budget=self.budget, bins=self.bins
        )


PointName = Literal["alert_budget", "cost_optimal", "precision_floor", "expected_loss"]
"""The operating points of thresholds.json."""


class DecisionConfig(BaseModel):
    """What an alert costs and how many people can look into: the points that report and bundle offer ([decision])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    point: PointName = Field(
        "expected_loss",
        description="the operating point that ships: expected_loss flags where p · amount reaches the cost of an "
        "alert, the others at or above a threshold",
    )
    alert_cost: float = Field(
        5.0, ge=0, le=1e12, description="cost of looking into one alert, in the unit of the amounts"
    )
    decline_cost: float = Field(
        0.0, ge=0, le=1e12, description="further cost of an alert on an honest customer who is stopped for it"
    )
    recovery: float = Field(1.0, gt=0, le=1, description="share of a flagged fraud's amount that is not lost")
    currency: str = Field("", max_length=8, description="what stands beside money in the report, such as EUR")
    daily_capacity: float | None = Field(
        None, gt=0, le=1e9, description="alerts that can be looked into a day; no operating point raises more on calib"
    )
    alert_budget: float = Field(0.005, gt=0, le=1, description="share of rows the operating point alert_budget flags")
    precision_floor: float = Field(0.5, gt=0, le=1, description="precision the operating point precision_floor keeps")


class GateConfig(BaseModel):
    """What a candidate must show on the test fold before it may be promoted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_frauds: int = Field(
        100, ge=1, le=10**9, description="frauds the judged fold must hold before anything is believed"
    )
    champion_rule: Literal["not_worse", "better", "shown"] = Field(
        "not_worse",
        description='"not_worse": refuse if worse in log loss than the champion; "better": refuse unless proven '
        'better; "shown": the champion is shown, and the baseline counts',
    )
    margin: float = Field(
        0.01,
        ge=0,
        le=1e6,
        description="share of the other model's log loss by which a candidate that is likely (90 %) worse may lose",
    )
    min_champion_frauds: int = Field(
        50,
        ge=1,
        le=10**9,
        description="frauds on rows that champion and candidate share; with fewer the candidate is refused",
    )
    anchor_days: int = Field(
        90, ge=0, le=100_000, description="days back to the champion that is the fixed anchor of comparisons; 0 is none"
    )
    map_tolerance: float = Field(
        0.1,
        ge=0,
        le=1e6,
        description="share by which level and slope of what serves may be off on calib, where its map was fitted",
    )
    observed_expected_low: float = Field(
        0.85, gt=0, le=1e6, description="observed/expected is refused where its whole interval lies below this"
    )
    observed_expected_high: float = Field(1.15, gt=0, le=1e6, description="likewise above this")
    slope_low: float = Field(
        0.8, gt=0, le=1e6, description="the calibration slope is refused where its whole interval lies below this"
    )
    slope_high: float = Field(1.25, gt=0, le=1e6, description="likewise above this")
    ece_tolerance: float = Field(
        0.1,
        ge=0,
        le=1e6,
        description="the debiased ECE is refused where its whole interval lies above this share of prevalence",
    )

    @property
    def band(self) -> tuple[float, float]:
        """Observed/expected between these two is calibration in the large."""
        return self.observed_expected_low, self.observed_expected_high

    @property
    def slope_band(self) -> tuple[float, float]:
        """Calibration slopes between these two are neither too extreme nor too timid."""
        return self.slope_low, self.slope_high


class DriftConfig(BaseModel):
    """When the newest rows count as drifted from those of train, and whether the gate then refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stability_limit: float = Field(
        0.25, gt=0, le=1e6, description="population stability index above which a column drifted"
    )
    unseen_limit: float = Field(
        0.05, gt=0, le=1, description="rise of a column's share of unseen categories that is drift"
    )
    prevalence_limit: float = Field(
        2.0, gt=1, le=1e6, description="factor between recent and train fraud rate that is drift"
    )
    bins: int = Field(10, ge=2, le=100_000, description="bins of a stability index, of equal size in train")
    detector_margin: float = Field(
        0.25,
        gt=0,
        le=1e6,
        description="relative change of the champion's daily observed/expected or loss that is none yet",
    )
    detector_nights: int = Field(
        160, ge=1, le=100_000, description="nights over which the false alarms of the detector are counted"
    )
    detector_false_alarms: float = Field(
        0.05, gt=0, lt=1, description="share of quiet series of so many nights in which the detector may ring at all"
    )
    stop: bool = Field(default=False, description="let the gate refuse a model whose newest rows have drifted")


class MonitoringConfig(BaseModel):
    """When a deployed model that is judged on later outcomes counts as no longer what was shipped ([monitoring])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    observed_expected_low: float = Field(
        0.8, gt=0, le=100, description="observed/expected is an alarm where its whole interval lies below this"
    )
    observed_expected_high: float = Field(1.25, gt=0, le=100, description="likewise above this")
    log_loss_rise: float = Field(
        0.15,
        ge=0,
        le=100,
        description="share by which the log loss may exceed what the probabilities promise on the same rows, kept as "
        "well as they were on test; an alarm where its whole interval lies above that",
    )
    average_precision_drop: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="share of the average precision on test that may be lost, at the fraud rate of test; an alarm "
        "where the whole interval lies below what is left",
    )
    stability_limit: float = Field(
        0.25,
        gt=0,
        le=100,
        description="population stability index of a column or of the score, against test, above which it is an "
        "alarm; what no longer a span of test itself has shown is none",
    )
    known_share: float = Field(
        0.8, ge=0, le=1, description="share of the rows that were let through whose outcome must be known"
    )
    min_frauds: int = Field(
        20,
        ge=1,
        le=10**9,
        description="frauds, known or promised, below which numbers of labels are shown and judge nothing",
    )
    prometheus: str = Field(
        "",
        description="file to which the numbers go in Prometheus' text form, for a collector of such files; empty: none",
    )
