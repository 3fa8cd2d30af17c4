"""The race of a sweep: after each epoch, the settings that valid has ruled out stop.

What rules them out is the business of `evaluation.race`; here settings are found under the fits they share.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.race import Look, race_look
from evaluation.selection import SettingOutcome
from models.losses import posterior
from models.rows import Floats, Integers
from models.sweep import Fitted, Sweep
from models.sweep_settings import Setting
from models.task import Task
from models.training.loop import EpochReport
from pipeline.stages.artifacts.sweep_files import ranked_setting

FIRST_LOOK = 3
"""The epoch after which settings are first compared: before it the learning rate still rises."""


class Race:
    """Says after each epoch which fits need no further one.

    Args:
        task: whose rows of valid decide.
        settings: of the whole grid.
        merchant: codes of the rows of valid, < 0 for none [N].
        folds: blocks of time for the affine maps.
        posterior_floor: where the inverse of the loss goes on as a tail.
        fitted: settings of the grid that are fitted already.
    """

    def __init__(
        self,
        task: Task,
        settings: Sequence[Setting],
        *,
        merchant: Integers | None,
        folds: int,
        posterior_floor: float,
        fitted: Sweep | None,
    ) -> None:
        self._task, self._settings = task, settings
        self._merchant, self._folds, self._floor = merchant, folds, posterior_floor
        before = [] if fitted is None else zip(fitted.settings, fitted.fits, strict=True)
        self._before = {setting.fitted_as: fit.valid_margins for setting, fit in before}
        self._gone: set[Fitted] = set()
        self._look = Look()

    def __call__(self, fits: Sequence[Fitted], epoch: EpochReport) -> NDArray[np.bool_] | None:
        """Which of the fits stop after an epoch [S]; None while it is too early to say."""
        if epoch.epoch < FIRST_LOOK:
            return None
        margins = self._before | dict(zip(fits, epoch.valid_margins, strict=True))
        self._look = race_look(
            self._task.valid.label,
            self._outcomes(margins),
            before=self._look,
            rivals=sum(not setting.guide for setting in self._settings) - 1,
            event_time=self._task.valid.time,
            merchant=self._merchant,
            folds=self._folds,
        )
        wanted = {setting.fitted_as for setting in self._settings if ranked_setting(setting) not in self._look.out}
        stopped: NDArray[np.bool_] = np.array([fit not in wanted for fit in fits]) & epoch.going_on
        self._gone |= {fit for fit, stops in zip(fits, stopped, strict=True) if stops}
        return stopped

    def _outcomes(self, margins: Mapping[Fitted, Floats]) -> list[SettingOutcome]:
        """What is still in the race, as it stands."""
        return [
            SettingOutcome(
                setting=ranked_setting(setting),
                repeat=setting.repeat,
                margins=margins[setting.fitted_as].astype(np.float64),
                posterior=posterior(margins[setting.fitted_as], setting.loss, floor=self._floor).probability,
                train_accuracy=float("nan"),
                selectable=not setting.guide,
            )
            for setting in self._settings
            if setting.fitted_as not in self._gone
        ]
