"""Every training technique alone and in sensible pairs, on the same network, batches and schedule ([ablation])."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.losses import LossSettings, class_ratio, thinned_rate
from models.network import State
from models.options import TrainConfig
from models.rows import Floats
from models.sweep import smoothed_twice
from models.task import Task
from models.training.loop import Progress, fit_networks
from pipeline.sections import AblationConfig
from pipeline.stages.artifacts.recipes import PLAIN, Recipe

WEIGHTS, SMOOTHING, FOCAL, MIXUP, DISTILLATION = (
    "class weights",
    "label smoothing",
    "focal loss",
    "mixup",
    "distillation",
)


def recipes(
    config: AblationConfig, *, prevalence: float, smoothings: Sequence[float], kept: float = 1.0
) -> tuple[Recipe, ...]:
    """Every arm: techniques alone, in pairs, and smoothing against label noise.

    Args:
        config: [ablation].
        prevalence: fraud rate of train.
        smoothings: that label noise is met with.
        kept: share of train's legitimate rows that an epoch sees.
    """
    balanced = class_ratio("balanced", thinned_rate(prevalence, kept))
    losses = {
        (): LossSettings(),
        (WEIGHTS,): LossSettings(ratio=balanced),
        (SMOOTHING,): LossSettings(smoothing=config.smoothing),
        (FOCAL,): LossSettings(gamma=config.gamma),
        (WEIGHTS, SMOOTHING): LossSettings(config.smoothing, balanced),
        (WEIGHTS, FOCAL): LossSettings(ratio=balanced, gamma=config.gamma),
        (FOCAL, SMOOTHING): LossSettings(config.smoothing, gamma=config.gamma),
    }
    plain = [Recipe(" + ".join(names) or PLAIN, names, loss) for names, loss in losses.items()]
    guide = LossSettings(config.smoothing, balanced, "column")
    one_line = Recipe("class weights + label smoothing, one line of torch", (WEIGHTS, SMOOTHING), guide)
    other = [
        Recipe(" + ".join(names), names, loss, data)
        for technique, data in ((MIXUP, "mixup"), (DISTILLATION, "teacher"))
        for names, loss in (
            ((technique,), LossSettings()),
            ((technique, SMOOTHING), LossSettings(smoothing=config.smoothing)),
        )
    ]
    noise = [
        Recipe(f"noise={share:g} ε={smoothing:g}", (), LossSettings(smoothing), f"noise={share:g}")
        for share in config.label_noise
        for smoothing in smoothings
    ]
    arms = (*plain, one_line, *other, *noise)
    return tuple(replace(arm, loss=replace(arm.loss, kept=kept)) for arm in arms)


def ablation_notes(config: AblationConfig, *, blocks: int) -> tuple[str, ...]:
    """What should make a reader of the table careful; `blocks` of time make the teacher of distillation."""
    teacher = f"distillation's teacher is the booster, each of {blocks} blocks of time of train by one of the others"
    twice = smoothed_twice(mixup=config.mixup, smoothing=config.smoothing)
    return tuple(f"ablation: {note}" for note in (teacher, *twice))


def fit_recipes(
    task: Task,
    *,
    arms: Sequence[Recipe],
    config: TrainConfig,
    ablation: AblationConfig,
    teacher: Floats,
    progress: Progress,
) -> dict[str, State]:
    """The network of every arm; arms that see the same batches are one pass over the data.

    Args:
        task: labelled rows, and the network of every arm.
        arms: what to train.
        config: [train].
        ablation: [ablation].
        teacher: P(fraud) of boosters on rows of train that they did not learn from [N].
        progress: called after each epoch.
    """
    states: dict[str, State] = {}
    for data in dict.fromkeys(arm.data for arm in arms):
        group = [arm for arm in arms if arm.data == data]
        soft = teacher if data == "teacher" else _noisy(task.train.label, data, seed=config.seed)
        fits = fit_networks(
            task,
            settings=[arm.loss for arm in group],
            repeats=[0] * len(group),
            config=config.model_copy(update={"mixup": ablation.mixup if data == "mixup" else 0.0}),
            soft_labels=soft,
            progress=progress,
        )
        states |= {arm.name: fit.state for arm, fit in zip(group, fits, strict=True)}
    return states


def _noisy(label: Floats, data: str, *, seed: int) -> Floats | None:
    """Labels with a share flipped at random; None where the arm sees the labels as they are."""
    name, _, share = data.partition("=")
    if name != "noise" or float(share) == 0:
        return None
    flipped = np.random.default_rng([seed, 1]).random(len(label)) < float(share)
    result: Floats = np.where(flipped, 1 - label, label).astype(np.float32)
    return result
