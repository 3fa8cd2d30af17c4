"""The arms of an ablation and their files: train writes them, evaluate reads them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from models.losses import LossSettings
from models.network import State
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_json, write_json

PLAIN = "plain cross-entropy"


@dataclass(frozen=True)
class Recipe:
    """How one arm is trained; `data` says which batches it sees: "plain", "mixup", "teacher" or "noise=0.05"."""

    name: str
    techniques: tuple[str, ...]
    loss: LossSettings
    data: str = "plain"


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
