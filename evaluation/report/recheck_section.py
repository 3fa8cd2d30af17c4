"""The drift section's `recheck`, after a retrain.

Is the setting that was best last time still best, and is the model in use still calibrated?
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from evaluation.selection import Setting, SettingOutcome, SweepRanking, cross_fitted_affine, time_blocks
from evaluation.statistics.sample import DAY, Floats, Integers
from evaluation.statistics.scores import log_loss_rows

FALSE_ALARMS = 0.05
TWO_SIDED = 1.96


@dataclass(frozen=True)
class SettingCheck:
    """Where the setting in use stands in a new sweep.

    Attributes:
        setting: the one in use, `best` the one that leads now.
        rank: its place among those that may be selected, of `settings`.
        difference: its log loss (affine, cross-fitted) minus the leader's, ≥ 0 but for the AUC rule.
        noise: what the difference stays below in 95 of 100 draws of days, if all settings are equally good: the leader
            is the luckiest of several, so each rival gets its share of the 5 (Bonferroni).
        margin: the smallest difference that counts. Days drawn again say what these rows can tell; what another seed
            would have made of the same setting they do not know.
    """

    setting: Setting
    best: Setting
    rank: int
    settings: int
    difference: float
    noise: float
    margin: float

    @property
    def moved(self) -> bool:
        """Whether the optimum is elsewhere by more than noise, and by enough to matter."""
        return self.setting != self.best and not self.difference <= max(self.noise, self.margin)

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.setting == self.best:
            return f"The smoothing in use ({self.setting.text}) is still the best of {self.settings}."
        apart = f"{self.difference:.5f} log loss behind {self.best.text}"
        if self.moved:
            verdict = f"so the optimum has moved (more than noise, {self.noise:.5f}, and margin, {self.margin:.5f})"
        elif self.difference <= self.noise:
            verdict = f"within noise ({self.noise:.5f})"
        else:
            verdict = f"too little to matter ({self.margin:.5f})"
        place = f"ranks {self.rank} of {self.settings}"
        return f"The smoothing in use ({self.setting.text}) {place}, {apart}, {verdict}."


@dataclass(frozen=True)
class CalibrationCheck:
    """Observed over expected frauds of the model in use on rows it has not seen, with a 95 % interval.

    Attributes:
        observed_expected: 1 is right; `low` to `high` is its interval.
        holds: whether the interval meets the gate's band.
        rows: rows judged; `frauds` among them.
    """

    observed_expected: float
    low: float
    high: float
    holds: bool
    rows: int
    frauds: int

    @property
    def sentence(self) -> str:
        """The finding in words."""
        found = f"observed/expected {self.observed_expected:.2f} ({self.low:.2f} to {self.high:.2f})"
        return f"The calibration of the model in use {'still holds' if self.holds else 'no longer holds'}: {found}."


def setting_check(
    labels: ArrayLike,
    outcomes: Sequence[SettingOutcome],
    ranking: SweepRanking,
    setting: Setting,
    *,
    event_time: ArrayLike,
    folds: int,
    margin: float,
) -> SettingCheck | None:
    """The setting in use against the winner of a new sweep; None where the sweep did not try it.

    Args:
        labels: 0 or 1 on valid [N].
        outcomes: what was ranked.
        ranking: their order.
        setting: the one in use.
        event_time: microseconds [N]; days are drawn as a whole.
        folds: blocks of the affine map, as in the ranking.
        margin: the smallest difference that counts, as a share of the leader's log loss.
    """
    order = [row.setting for row in ranking.rows if row.selectable]
    if setting not in order:
        return None
    y, blocks = np.asarray(labels, np.float64), time_blocks(event_time, folds=folds)
    leading = _row_losses(y, outcomes, ranking.selected, blocks)
    apart = _row_losses(y, outcomes, setting, blocks) - leading
    rivals = max(len(order) - 1, 1)
    noise = float(ndtri(1 - FALSE_ALARMS / rivals)) * _daily_error(apart - apart.mean(), event_time) / len(y)
    return SettingCheck(
        setting=setting,
        best=ranking.selected,
        rank=order.index(setting) + 1,
        settings=len(order),
        difference=float(apart.mean()),
        noise=noise,
        margin=margin * float(leading.mean()),
    )


def calibration_check(
    labels: ArrayLike, probabilities: ArrayLike, *, event_time: ArrayLike, band: tuple[float, float]
) -> CalibrationCheck | None:
    """Whether the model in use is still right on average; None without rows.

    The interval draws days as a whole: frauds of one day are of one wave.

    Args:
        labels: 0, 1 or NaN where not known [N].
        probabilities: of the model in use [N]; NaN where it could not score.
        event_time: microseconds [N].
        band: the gate's limits.
    """
    y, p = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    kept = np.isfinite(y) & np.isfinite(p)
    y, p, time = y[kept], p[kept], np.asarray(event_time, np.int64)[kept]
    if y.size == 0 or p.sum() == 0:
        return None
    ratio = float(y.sum() / p.sum())
    error = _daily_error(y - ratio * p, time) / float(p.sum())
    low, high = ratio - TWO_SIDED * error, ratio + TWO_SIDED * error
    holds = low <= band[1] and high >= band[0]
    return CalibrationCheck(ratio, max(low, 0.0), high, holds, int(y.size), int(y.sum()))


def recheck_section(setting: SettingCheck | None, calibration: CalibrationCheck | None) -> dict[str, Any]:
    """Both findings for the report: numbers, sentences, and what of it is an alarm."""
    checks = [check for check in (setting, calibration) if check is not None]
    if not checks:
        return {}
    section: dict[str, Any] = {}
    if setting is not None:
        section["setting"] = {**asdict(setting), "moved": setting.moved}
    if calibration is not None:
        section["calibration"] = asdict(calibration)
    return section | {"sentences": [check.sentence for check in checks], "alarms": _alarms(calibration)}


def _row_losses(labels: Floats, outcomes: Sequence[SettingOutcome], setting: Setting, blocks: Integers) -> Floats:
    """Log loss of each row after the cross-fitted affine map, a mean over the setting's repeats [N]."""
    margins = [each.margins for each in outcomes if each.setting == setting]
    every = np.stack([log_loss_rows(labels, cross_fitted_affine(labels, z, block=blocks)) for z in margins])
    mean: Floats = every.mean(axis=0)
    return mean


def _daily_error(residual: Floats, event_time: ArrayLike) -> float:
    """Standard error of a sum of residuals that sum to 0, days taken as a whole."""
    days = np.unique(np.asarray(event_time, np.int64) // DAY, return_inverse=True)[1]
    return float(np.sqrt((np.bincount(days, weights=residual) ** 2).sum()))


def _alarms(calibration: CalibrationCheck | None) -> list[str]:
    if calibration is None or calibration.holds:
        return []
    return [f"the model in use is no longer calibrated (observed/expected {calibration.observed_expected:.2f})"]
