"""The (class weight × smoothing × repeat) grid, fitted in one pass and returned as a frozen result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.errors import InputError
from models.losses import ClassWeight, Convention, LossSettings, Weighting, class_ratio, torch_smoothing
from models.network import Architecture
from models.rows import Floats, Rows, fraud_rate, labelled_rows
from models.training.loop import Fit, Progress, TrainConfig, fit_networks
from models.training.warm_start import WarmStart

FEW_ROWS = 500
MUCH_SMOOTHING = 0.05
MUCH_MIXUP = 0.4
WEIGHT_ORDER: tuple[ClassWeight, ...] = ("none", "sqrt", "balanced")
RECHECKED = 4
"""Settings of a recheck at most: few enough for every night."""


class SweepConfig(BaseModel):
    """Which settings are tried ([sweep])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smoothing: tuple[float, ...] = Field(
        (0.0, 0.05, 0.1, 0.15, 0.2), min_length=1, description="label smoothing ε tried"
    )
    class_weight: tuple[ClassWeight, ...] = Field(
        ("none", "sqrt", "balanced"), min_length=1, description="class weights tried: none, sqrt, balanced"
    )
    weighting: Weighting = Field(
        "example", description="weigh a row by its class (example) or the target's columns (column)"
    )
    convention: Convention = Field("uniform", description="meaning of ε: uniform (torch) or non_target")
    gamma: float = Field(0.0, ge=0, description="focal exponent of every setting; 0 is plain cross-entropy")
    repeats: int = Field(1, ge=1, description="initial weights tried for each setting; repeat 0 ships")
    mode: Literal["full", "recheck"] = Field(
        "full",
        description="full grid, or recheck: the champion's setting, its neighbours and ε = 0, the grid where it moved",
    )
    recheck_margin: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="share of the log loss by which another setting must lead for the optimum to have moved",
    )
    recheck_epochs: int = Field(
        4, ge=0, description="epochs of a recheck that goes on from the champion's networks; 0 takes fresh weights"
    )

    @model_validator(mode="after")
    def _smoothing_below_one(self) -> "SweepConfig":
        wrong = [value for value in self.smoothing if not 0 <= torch_smoothing(value, self.convention) < 1]
        if wrong:
            raise InputError(f"every smoothing must be in [0, 1) in torch's sense, got {wrong} ({self.convention})")
        for name in ("smoothing", "class_weight"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise InputError(f"{name} must not repeat a value, got {list(values)}")
        return self


@dataclass(frozen=True)
class Setting:
    """One row of the sweep: a loss under the name it was asked for by, and a repeat.

    `guide` marks the rows that are there for comparison alone: the column-weighted, balanced loss at each ε.
    """

    class_weight: ClassWeight
    loss: LossSettings
    repeat: int = 0
    guide: bool = False


@dataclass(frozen=True)
class Sweep:
    """Every setting beside its fit, in the order of the grid.

    Attributes:
        architecture: shared by all.
        prevalence: fraud rate π of train, from which the class weights were made.
        settings: what was asked.
        fits: what came of it, one a setting.
        notes: what a reader must be told, in words.
    """

    architecture: Architecture
    prevalence: float
    settings: tuple[Setting, ...]
    fits: tuple[Fit, ...]
    notes: tuple[str, ...]

    def twin(self, index: int) -> int:
        """Position of the same setting at ε = 0.

        Raises:
            ValueError: the sweep has none.
        """
        wanted = self.settings[index]
        for position, other in enumerate(self.settings):
            same = (other.class_weight, other.repeat, other.loss.gamma) == (
                wanted.class_weight,
                wanted.repeat,
                wanted.loss.gamma,
            )
            if same and other.loss.epsilon == 0 and other.loss.weighting == wanted.loss.weighting:
                return position
        raise ValueError(
            f"the sweep must hold ε = 0 beside every setting, got none with class weight {wanted.class_weight}"
        )


def sweep_settings(config: SweepConfig, *, prevalence: float, chosen: Setting | None = None) -> tuple[Setting, ...]:
    """The rows of a sweep: the grid, ε = 0 always in it, and the guide's own column-weighted setting at each ε.

    Args:
        config: [sweep].
        prevalence: fraud rate of train.
        chosen: what an earlier run chose; with mode "recheck" only that setting, its neighbours and ε = 0 are tried,
            without the guide's rows. Without it a recheck is a full sweep.
    """
    if config.mode == "recheck" and chosen is not None:
        return _recheck_settings(config, chosen, prevalence=prevalence)
    smoothings, class_weights = list(config.smoothing), list(config.class_weight)
    if 0.0 not in smoothings:
        smoothings = [0.0, *smoothings]

    def setting(smoothing: float, name: ClassWeight, weighting: Weighting, repeat: int, *, guide: bool) -> Setting:
        ratio = class_ratio(name, prevalence)
        return Setting(name, LossSettings(smoothing, ratio, weighting, config.convention, config.gamma), repeat, guide)

    grid = [
        setting(smoothing, name, config.weighting, repeat, guide=False)
        for repeat in range(config.repeats)
        for name in class_weights
        for smoothing in smoothings
    ]
    guide = [setting(smoothing, "balanced", "column", 0, guide=True) for smoothing in smoothings]
    present = {(each.loss, each.repeat) for each in grid}
    return (*grid, *(each for each in guide if (each.loss, each.repeat) not in present))


def _recheck_settings(config: SweepConfig, chosen: Setting, *, prevalence: float) -> tuple[Setting, ...]:
    """The chosen setting, ε = 0, the ε on either side of it, and class weights beside it at ε = 0, while there is room.

    A class weight is compared at ε = 0 because every setting needs its ε = 0 twin; if it wins there, the optimum has
    moved and a full sweep follows.
    """
    smoothing, name = chosen.loss.smoothing, chosen.class_weight
    loss = chosen.loss
    below = [value for value in config.smoothing if value < smoothing]
    above = [value for value in config.smoothing if value > smoothing]
    smoothings = sorted({0.0, smoothing, *([max(below)] if below else []), *([min(above)] if above else [])})
    pairs: list[tuple[float, ClassWeight]] = [(value, name) for value in smoothings]
    order = sorted(config.class_weight, key=lambda other: abs(WEIGHT_ORDER.index(other) - WEIGHT_ORDER.index(name)))
    pairs += [(0.0, other) for other in order if other != name]
    return tuple(
        Setting(other, replace(loss, smoothing=value, ratio=class_ratio(other, prevalence)), repeat)
        for repeat in range(config.repeats)
        for value, other in pairs[:RECHECKED]
    )


def fit_sweep(
    train: Rows,
    valid: Rows,
    *,
    architecture: Architecture,
    sweep: SweepConfig,
    config: TrainConfig,
    chosen: Setting | None = None,
    fitted: Sweep | None = None,
    start: WarmStart | None = None,
    soft_labels: Floats | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Fits every setting of the grid at once; which of them is best is for the reader of the result to say.

    Args:
        train: rows of the train fold; those without a label are left out.
        valid: rows of the valid fold, likewise; valid margins are of its labelled rows, in order.
        architecture: of every network.
        sweep: [sweep].
        config: [train].
        chosen: what an earlier run chose, for mode "recheck".
        fitted: a sweep of other settings on the same rows, whose fits are taken over instead of made again: settings
            do not touch one another, so a grid in two passes is the grid in one.
        start: networks to go on from instead of fresh weights; all repeats then begin alike.
        soft_labels: P(fraud) of a teacher, one a row of train.
        progress: called after each epoch.

    Raises:
        InputError: a fold without both classes, a code outside its vocabulary, or a sweep of other rows or another
            architecture to take fits from.
    """
    learned, judged = labelled_rows(train, name="train"), labelled_rows(valid, name="valid")
    prevalence = fraud_rate(learned)
    settings = sweep_settings(sweep, prevalence=prevalence, chosen=chosen)
    by_loss = _fits_of(fitted, architecture=architecture, prevalence=prevalence)
    missing = [each for each in dict.fromkeys(_fitted_as(each) for each in settings) if each not in by_loss]
    if missing:
        fits = fit_networks(
            learned,
            judged,
            architecture=architecture,
            settings=[loss for loss, _ in missing],
            repeats=[repeat for _, repeat in missing],
            prevalence=prevalence,
            config=config,
            start=None if start is None else [start.of(loss) for loss, _ in missing],
            soft_labels=None if soft_labels is None else _soft_labels_of(train, soft_labels),
            progress=progress,
        )
        by_loss |= dict(zip(missing, fits, strict=True))
    notes = sweep_notes(settings, rows=len(learned.label), mixup=config.mixup)
    if chosen is None:
        notes = (*notes, *_joint_note(settings))
    return Sweep(architecture, prevalence, settings, tuple(by_loss[_fitted_as(each)] for each in settings), notes)


def sweep_notes(settings: Sequence[Setting], *, rows: int, mixup: float) -> tuple[str, ...]:
    """What should make a reader careful: smoothing on few rows, smoothing twice."""
    largest = max(each.loss.epsilon for each in settings)
    notes = []
    if rows < FEW_ROWS and largest > MUCH_SMOOTHING:
        notes.append(
            f"label smoothing up to {largest:g} on {rows} training rows: below {FEW_ROWS} rows an ε above "
            f"{MUCH_SMOOTHING} can hide what little signal there is"
        )
    return (*notes, *smoothed_twice(mixup=mixup, smoothing=largest))


def smoothed_twice(*, mixup: float, smoothing: float) -> tuple[str, ...]:
    """The note for mixup so strong that label smoothing beside it softens targets a second time."""
    if mixup < MUCH_MIXUP or smoothing == 0:
        return ()
    return (f"mixup with α = {mixup:g} already softens targets: with ε up to {smoothing:g} they are smoothed twice",)


def _joint_note(settings: Sequence[Setting]) -> tuple[str, ...]:
    """Class weights move the best ε and ε moves the best weights, so that one alone finds the best of neither."""
    grid = [each for each in settings if not each.guide]
    weights, smoothings = {each.class_weight for each in grid}, {each.loss.epsilon for each in grid}
    if len(weights) > 1 or len(smoothings) == 1:
        return ()
    return (
        f"smoothing was tried with one class weight ({weights.pop()}) only: the two move one another's optimum, so "
        "sweep.class_weight should name several",
    )


def _fits_of(
    fitted: Sweep | None, *, architecture: Architecture, prevalence: float
) -> dict[tuple[LossSettings, int], Fit]:
    if fitted is None:
        return {}
    if fitted.architecture != architecture or fitted.prevalence != prevalence:
        same = "the same" if fitted.architecture == architecture else "another"
        raise ValueError(
            f"fits can be taken from a sweep of the same architecture and train fold only, got {same} architecture and "
            f"a fraud rate of {fitted.prevalence:.6g} instead of {prevalence:.6g}"
        )
    return {_fitted_as(each): fit for each, fit in zip(fitted.settings, fitted.fits, strict=True)}


def _fitted_as(setting: Setting) -> tuple[LossSettings, int]:
    """The loss that is really minimised: at ε = 0, or with r = 1, both ways of weighting are one function."""
    loss = setting.loss
    if loss.epsilon == 0 or loss.ratio == 1:
        loss = replace(loss, weighting="example")
    return loss, setting.repeat


def _soft_labels_of(train: Rows, soft_labels: Floats) -> Floats:
    """Soft labels of the rows that `labelled_rows` keeps."""
    if len(soft_labels) != len(train.label):
        raise ValueError(f"soft_labels must have one value a training row ({len(train.label)}), got {len(soft_labels)}")
    kept: Floats = soft_labels[(train.label == train.label) & (train.weight > 0)]
    return kept
