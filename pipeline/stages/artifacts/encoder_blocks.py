"""The networks that the booster looked through, each fitted on the rows up to a time; later fits use them again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from models.losses import LossSettings
from models.network import State
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_json, write_json

TENSORS, DESCRIPTION = "encoder_blocks.safetensors", "encoder_blocks.json"


@dataclass(frozen=True)
class EncoderBlocks:
    """Networks that minimised one loss, by the time up to which each learned, microseconds since 1970."""

    loss: LossSettings
    networks: dict[int, State] = field(default_factory=dict)


def save_encoder_blocks(folder: Path, blocks: EncoderBlocks) -> None:
    """Write encoder_blocks.safetensors and encoder_blocks.json; nothing where there is no network."""
    if not blocks.networks:
        return
    tensors = {
        f"{until}.{name}": np.ascontiguousarray(array)
        for until, state in sorted(blocks.networks.items())
        for name, array in state.items()
    }
    write_bytes(folder / TENSORS, save(tensors))
    write_json(folder / DESCRIPTION, {"loss": blocks.loss.to_dict()})


def load_encoder_blocks(folder: Path) -> EncoderBlocks | None:
    """The inverse of `save_encoder_blocks`; None where nothing was written."""
    if not (folder / TENSORS).is_file():
        return None
    loss = LossSettings.from_dict(read_json(folder / DESCRIPTION)["loss"])
    return EncoderBlocks(loss, _networks(load_file(folder / TENSORS)))


def _networks(tensors: Mapping[str, np.ndarray]) -> dict[int, State]:
    found: dict[int, dict[str, np.ndarray]] = {}
    for key, array in tensors.items():
        until, _, name = key.partition(".")
        found.setdefault(int(until), {})[name] = array
    return dict(found)
