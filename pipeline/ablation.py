"""Every training technique alone and in sensible pairs, on the same network, batches and schedule ([ablation])."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from evaluation.report.ablation_section import AblationArm
from features.encode import Matrix
from models.calibration import CalibrationConfig, bounded_probability, fit_affine, fit_temperature
from models.losses import LossSettings, class_ratio, posterior
from models.network import Architecture, State, margins
from models.rows import Floats, RowArrays, fraud_rate
from models.sweep import smoothed_twice
from models.training.loop import Progress, TrainConfig, fit_networks
from pipeline.sections import AblationConfig
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_json, write_json

PLAIN = "plain cross-entropy"


WEIGHTS, SMOOTHING, FOCAL, MIXUP, DISTILLATION = (
    "class weights",
    "label smoothing",
    "focal loss",
    "mixup",
    "distillation",
)


@dataclass(frozen=True)
class Recipe:
    """How one arm is trained; `data` says which batches it sees: "plain", "mixup", "teacher" or "noise=0.05"."""

    name: str
    techniques: tuple[str, ...]
    loss: LossSettings
    data: str = "plain"


def recipes(config: AblationConfig, *, prevalence: float, smoothings: Sequence[float]) -> tuple[Recipe, ...]:
    """Every arm: techniques alone, in pairs, and smoothing against label noise."""
    balanced = class_ratio("balanced", prevalence)
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
    return (*plain, one_line, *other, *noise)


def ablation_notes(config: AblationConfig) -> tuple[str, ...]:
    """What should make a reader of the table careful."""
    return tuple(f"ablation: {note}" for note in smoothed_twice(mixup=config.mixup, smoothing=config.smoothing))


def fit_recipes(
    train: RowArrays,
    valid: RowArrays,
    *,
    arms: Sequence[Recipe],
    architecture: Architecture,
    config: TrainConfig,
    ablation: AblationConfig,
    teacher: Floats,
    progress: Progress,
) -> dict[str, State]:
    """The network of every arm; arms that see the same batches are one pass over the data.

    Args:
        train: labelled rows.
        valid: labelled rows to stop by.
        arms: what to train.
        architecture: of every arm.
        config: [train].
        ablation: [ablation].
        teacher: P(fraud) of the booster on the rows of train [N].
        progress: called after each epoch.
    """
    states: dict[str, State] = {}
    for data in dict.fromkeys(arm.data for arm in arms):
        group = [arm for arm in arms if arm.data == data]
        soft = teacher if data == "teacher" else _noisy(train.label, data, seed=config.seed)
        fits = fit_networks(
            train,
            valid,
            architecture=architecture,
            settings=[arm.loss for arm in group],
            repeats=[0] * len(group),
            prevalence=fraud_rate(train),
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


def write_recipes(folder: Path, arms: Sequence[Recipe], states: Mapping[str, State]) -> None:
    """Write ablation.safetensors and ablation.json."""
    described: list[dict[str, Any]] = []
    tensors: dict[str, np.ndarray] = {}
    for place, arm in enumerate(arms):
        tensors |= {f"{place}.{key}": np.ascontiguousarray(array) for key, array in states[arm.name].items()}
        described.append({"name": arm.name, "techniques": arm.techniques, "loss": arm.loss.to_dict(), "data": arm.data})
    write_bytes(folder / "ablation.safetensors", save(tensors))
    write_json(folder / "ablation.json", {"arms": described})


def read_recipes(folder: Path) -> Iterator[tuple[Recipe, State]]:
    """The inverse of `write_recipes`."""
    tensors = load_file(folder / "ablation.safetensors")
    for place, each in enumerate(read_json(folder / "ablation.json")["arms"]):
        prefix = f"{place}."
        state = {key.removeprefix(prefix): array for key, array in tensors.items() if key.startswith(prefix)}
        loss = LossSettings.from_dict(each["loss"])
        yield Recipe(each["name"], tuple(each["techniques"]), loss, each["data"]), state


def judged_arm(
    recipe: Recipe, state: State, *, calib: Matrix, test: Matrix, floor: float, config: CalibrationConfig
) -> AblationArm:
    """An arm's probabilities on test, its maps fitted on calib.

    A teacher's labels and mixed ones are no other loss, so the inverse is that of the arm's weights, ε and γ.
    """
    on_calib, on_test = margins(state, calib), margins(state, test)
    before = posterior(on_calib, recipe.loss, floor=floor).log_odds
    after = posterior(on_test, recipe.loss, floor=floor).log_odds
    return AblationArm(
        name=recipe.name,
        techniques=recipe.techniques,
        raw=bounded_probability(on_test),
        inverted=bounded_probability(after),
        scaled=fit_temperature(calib.label, before, config=config).apply(after),
        calibrated=fit_affine(calib.label, before, config=config).apply(after),
    )


def noise_cell(recipe: Recipe) -> tuple[float, float] | None:
    """(share flipped, ε) of an arm of the noise table; None for the others."""
    name, _, share = recipe.data.partition("=")
    return (float(share), recipe.loss.epsilon) if name == "noise" else None
