"""Which losses a sweep tries: the whole grid, or the few settings of a recheck."""

import itertools
from dataclasses import dataclass, replace

from models.losses import LossSettings, class_ratio, thinned_rate
from models.options import ClassWeight, SweepConfig, Weighting

WEIGHT_ORDER: tuple[ClassWeight, ...] = ("none", "sqrt", "balanced")
RECHECKED = 5
"""Settings of a recheck at most: few enough for every night."""


@dataclass(frozen=True)
class Setting:
    """One row of the sweep: a loss under the name it was asked for by, and a repeat.

    `guide` marks the rows that are there for comparison alone: the column-weighted, balanced loss at each ε.
    """

    class_weight: ClassWeight
    loss: LossSettings
    repeat: int = 0
    guide: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing is smoothed and no class weighs more than the other."""
        return self.loss.epsilon == 0 and self.loss.ratio == 1

    @property
    def fitted_as(self) -> tuple[LossSettings, int]:
        """The loss that is really minimised, and the repeat: settings alike in both are one fit.

        At ε = 0, or with r = 1, both ways of weighting are one function.
        """
        if self.loss.epsilon == 0 or self.loss.ratio == 1:
            return replace(self.loss, weighting="example"), self.repeat
        return self.loss, self.repeat


def sweep_settings(
    config: SweepConfig, *, prevalence: float, kept: float = 1.0, chosen: Setting | None = None
) -> tuple[Setting, ...]:
    """The rows of a sweep: the grid, ε = 0 always in it, and the guide's own column-weighted setting at each ε.

    Args:
        config: [sweep].
        prevalence: fraud rate of train.
        kept: share of train's legitimate rows that an epoch sees.
        chosen: what an earlier run chose; with mode "recheck" only that setting, its neighbours and ε = 0 are tried,
            without the guide's rows. Without it a recheck is a full sweep.
    """
    if config.mode == "recheck" and chosen is not None:
        return _recheck_settings(config, chosen, prevalence=thinned_rate(prevalence, kept), kept=kept)
    smoothings = config.smoothing if 0.0 in config.smoothing else (0.0, *config.smoothing)
    seen = thinned_rate(prevalence, kept)
    prior = seen if config.convention == "prior" else None

    def loss(smoothing: float, name: ClassWeight, weighting: Weighting) -> LossSettings:
        ratio = class_ratio(name, seen)
        return LossSettings(smoothing, ratio, weighting, config.convention, config.gamma, prior, kept)

    grid = [
        Setting(name, loss(smoothing, name, config.weighting), repeat)
        for repeat, name, smoothing in itertools.product(range(config.repeats), config.class_weight, smoothings)
    ]
    guide = [Setting("balanced", loss(smoothing, "balanced", "column"), guide=True) for smoothing in smoothings]
    present = {(each.loss, each.repeat) for each in grid}
    return (*grid, *(each for each in guide if (each.loss, each.repeat) not in present))


def _recheck_settings(config: SweepConfig, chosen: Setting, *, prevalence: float, kept: float) -> tuple[Setting, ...]:
    """The chosen setting, ε = 0, the ε on either side of it, and other class weights at ε = 0, while there is room.

    A class weight is compared at ε = 0 because every setting needs its ε = 0 twin; if it wins there, the optimum has
    moved and a full sweep follows. None comes first: a selection that leaves it must prove itself against it each time.
    """
    place = WEIGHT_ORDER.index(chosen.class_weight)
    others = sorted(config.class_weight, key=lambda name: (name != "none", abs(WEIGHT_ORDER.index(name) - place)))
    pairs = [
        *((smoothing, chosen.class_weight) for smoothing in _neighbours(chosen.loss.smoothing, config.smoothing)),
        *((0.0, other) for other in others if other != chosen.class_weight),
    ]
    prior = None if chosen.loss.prior is None else prevalence
    now = replace(chosen.loss, prior=prior, kept=kept)
    return tuple(
        Setting(name, replace(now, smoothing=smoothing, ratio=class_ratio(name, prevalence)), repeat)
        for repeat in range(config.repeats)
        for smoothing, name in pairs[:RECHECKED]
    )


def _neighbours(smoothing: float, tried: tuple[float, ...]) -> list[float]:
    """ε = 0, the ε itself, and the closest ones tried below and above it, in order."""
    below = [value for value in tried if value < smoothing]
    above = [value for value in tried if value > smoothing]
    return sorted({0.0, smoothing, *sorted(below)[-1:], *sorted(above)[:1]})
