"""The drift section's `recheck`, after a retrain.

Is the setting that was best last time still best, and is the model in use still calibrated?
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.selection import Setting, SweepRanking
from evaluation.statistics.clustered_mean import clustered_mean
from evaluation.statistics.sample import DAY

ONE_SIDE = 0.025
"""Share of draws beyond either end of a 95 % interval."""


@dataclass(frozen=True)
class SettingCheck:
    """Where the setting in use stands in a new sweep.

    Attributes:
        setting: the one in use, `best` the one that leads now.
        rank: its place among those that may be selected, of `settings`.
        difference: its log loss (affine, cross-fitted) minus the leader's, ≥ 0 but for the AUC rule.
        noise: what the difference stays below in 95 of 100 draws of days or merchants, if all settings are alike: the
            leader is the luckiest of several, so each rival gets its share of the 5 (`paired_losses`).
        margin: the smallest difference that counts. Days drawn again say what these rows can tell; what another seed
            would have made of the same setting they only know where the sweep had repeats.
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


def setting_check(ranking: SweepRanking, setting: Setting, *, margin: float) -> SettingCheck | None:
    """The setting in use against the smallest mean of a new sweep; None where the sweep did not try it.

    Args:
        ranking: the new sweep.
        setting: the one in use.
        margin: the smallest difference that counts, as a share of the leader's log loss.
    """
    order = [row.setting for row in ranking.rows if row.selectable]
    if setting not in order:
        return None
    leader = ranking.smallest_mean
    behind = ranking.behind(setting)
    return SettingCheck(
        setting=setting,
        best=leader,
        rank=order.index(setting) + 1,
        settings=len(order),
        difference=behind.value,
        noise=behind.limit,
        margin=margin * float(ranking.losses.by_setting[leader].mean()),
    )


def calibration_check(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    event_time: ArrayLike,
    band: tuple[float, float],
    weight: ArrayLike | None = None,
) -> CalibrationCheck | None:
    """Whether the model in use is still right on average; None without rows.

    The interval takes days as a whole, for frauds of one day are of one wave, and Student's quantile, for a week is
    seven numbers. Where all rows are of one day it is unbounded and refuses nothing.

    Args:
        labels: 0, 1 or NaN where not known [N].
        probabilities: of the model in use [N]; NaN where it could not score.
        event_time: microseconds [N].
        band: the gate's limits.
        weight: for how many rows each row stands [N]; None where each is one.
    """
    y, p = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    kept = np.isfinite(y) & np.isfinite(p)
    w = np.ones(y.size) if weight is None else np.asarray(weight, np.float64)
    frauds = int(y[kept].sum())
    y, p, time = (w * y)[kept], (w * p)[kept], np.asarray(event_time, np.int64)[kept]
    if y.size == 0 or p.sum() == 0:
        return None
    ratio = float(y.sum() / p.sum())
    # per row of mean p, so that the error of a mean is that of the ratio
    beyond = clustered_mean((y - ratio * p) / p.mean(), time // DAY).beyond(ONE_SIDE)
    low, high = max(ratio - beyond, 0.0), ratio + beyond
    holds = low <= band[1] and high >= band[0]
    return CalibrationCheck(ratio, low, high, holds, int(y.size), frauds)


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


def _alarms(calibration: CalibrationCheck | None) -> list[str]:
    if calibration is None or calibration.holds:
        return []
    return [f"the model in use is no longer calibrated (observed/expected {calibration.observed_expected:.2f})"]
