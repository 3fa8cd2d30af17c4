"""Heads, booster, baseline and calibrators as files: train and calibrate write them, later stages read them."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from features.encode import Encoder
from models.baseline import LogisticBaseline
from models.booster_inputs import BoosterInputs, OneHot, PlainColumns
from models.boosting import Booster
from models.losses import LossSettings, tail_floor
from models.pca import CENTER, DIRECTIONS
from models.shared_encoder import ALIGNED_FORMS, HEAD_FORMS, SharedEncoder
from pipeline.stages.artifacts.candidates import Calibration, Head, Models
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_json, write_json


def save_heads(folder: Path, heads: Mapping[str, Head]) -> None:
    """Write network.safetensors and network.json; a network that serves two names is written once."""
    tensors: dict[str, np.ndarray] = {}
    description: dict[str, Any] = {}
    for name, head in heads.items():
        if head.owner == name:
            tensors |= {f"{name}.{key}": np.ascontiguousarray(array) for key, array in head.state.items()}
        description[name] = {"tensors": head.owner, "class_weight": head.class_weight, "loss": head.loss.to_dict()}
    write_bytes(folder / "network.safetensors", save(tensors))
    write_json(folder / "network.json", {"heads": description})


def load_heads(folder: Path) -> dict[str, Head]:
    """The inverse of `save_heads`."""
    tensors = load_file(folder / "network.safetensors")
    states: dict[str, dict[str, np.ndarray]] = {}
    for key, array in tensors.items():
        owner, _, name = key.partition(".")
        states.setdefault(owner, {})[name] = array
    description = read_json(folder / "network.json")["heads"]
    return {
        name: Head(each["tensors"], states[each["tensors"]], LossSettings.from_dict(each["loss"]), each["class_weight"])
        for name, each in description.items()
    }


def save_booster(folder: Path, booster: Booster, inputs: BoosterInputs) -> None:
    """Write booster.ubj, booster.json and, where it has an encoder that is not the head itself, what the head lacks."""
    write_bytes(folder / "booster.ubj", booster.model)
    encoder = inputs.encoder
    own = encoder.form not in HEAD_FORMS
    arrays = {name: each for name, each in encoder.state.items() if own or name in (CENTER, DIRECTIONS)}
    if own or arrays:
        write_bytes(folder / "booster_encoder.safetensors", save(arrays))
    write_json(
        folder / "booster.json",
        {
            "columns": booster.columns,
            "numeric": inputs.plain.numeric,
            "one_hot": [asdict(each) for each in inputs.plain.one_hot],
            "best_round": booster.best_round,
            "valid_log_loss": booster.valid_log_loss,
            "loss": booster.loss.to_dict(),
            "encoder": {"form": encoder.form, "names": encoder.names, "tensors": "own" if own else "mlp"},
        },
    )


def load_booster(folder: Path, heads: Mapping[str, Head]) -> tuple[Booster, BoosterInputs]:
    """The inverse of `save_booster`."""
    described = read_json(folder / "booster.json")
    encoder = described["encoder"]
    own = encoder["tensors"] == "own"
    state = {} if own else dict(heads["mlp"].state)
    if own or encoder["form"] in ALIGNED_FORMS:
        state |= load_file(folder / "booster_encoder.safetensors")
    booster = Booster(
        (folder / "booster.ubj").read_bytes(),
        tuple(described["columns"]),
        described["best_round"],
        tuple(described["valid_log_loss"]),
        LossSettings.from_dict(described["loss"]),
    )
    plain = PlainColumns(tuple(described["numeric"]), tuple(OneHot(**each) for each in described["one_hot"]))
    return booster, BoosterInputs(plain, SharedEncoder(encoder["form"], state, tuple(encoder["names"])))


def save_models(folder: Path, models: Models, *, prevalence: float) -> None:
    """Write every model of one fit: heads, booster, baseline, their encoder, and the fraud rate they were fitted at."""
    save_heads(folder, models.heads)
    save_booster(folder, models.booster, models.booster_inputs)
    write_json(folder / "logistic.json", models.baseline.to_dict())
    write_json(folder / "encoder.json", models.encoder.to_dict())
    write_json(folder / "fitted.json", {"prevalence": prevalence})


def load_saved_models(folder: Path, *, posterior_floor: float) -> Models:
    """The inverse of `save_models`; `posterior_floor` as `load_models` takes it."""
    prevalence = float(read_json(folder / "fitted.json")["prevalence"])
    return _models(folder, folder / "encoder.json", tail_floor(posterior_floor, prevalence=prevalence))


def load_models(run: Path, *, posterior_floor: float) -> Models:
    """What features and train left in a run folder.

    Args:
        run: the folder.
        posterior_floor: as configured; the tails of the models begin there, or lower where train has few frauds.
    """
    prevalence = TrainReport.read(run / "train" / "report.json").prevalence
    floor = tail_floor(posterior_floor, prevalence=prevalence)
    return _models(run / "train", run / "features" / "encoder.json", floor)


def _models(folder: Path, encoder: Path, floor: float) -> Models:
    heads = load_heads(folder)
    booster, inputs = load_booster(folder, heads)
    return Models(
        encoder=Encoder.from_dict(read_json(encoder)),
        heads=heads,
        booster=booster,
        booster_inputs=inputs,
        baseline=LogisticBaseline.from_dict(read_json(folder / "logistic.json")),
        posterior_floor=floor,
    )


def load_calibration(run: Path) -> Calibration:
    """What calibrate left in a run folder."""
    return Calibration.from_dict(read_json(run / "calibrate" / "calibrators.json"))
