"""What was chosen before the test fold was opened, and stays: how a model of the newest rows is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.losses import LossSettings, class_ratio, thinned_rate
from models.options import BoostingConfig, ClassWeight, TrainConfig
from pipeline.config import Config
from pipeline.stages.artifacts.candidates import Head, Models
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.storage.content import read_json
from pipeline.storage.errors import InputError

SHIPPED_HEADS = ("mlp", "mlp_unsmoothed")
"""The heads that are candidates."""
GROWN = 1.2
"""Factor of training rows from which a longer window is given more trees."""


@dataclass(frozen=True)
class FrozenHead:
    """How one network is fitted: the first head that it serves, its loss, the name of its class weights, its epochs."""

    owner: str
    loss: LossSettings
    class_weight: ClassWeight
    epochs: int

    def loss_at(self, prevalence: float) -> LossSettings:
        """The same loss for rows of another fraud rate: the name of the class weights stays, not their ratio."""
        seen = thinned_rate(prevalence, self.loss.kept)
        ratio = class_ratio(self.class_weight, seen)
        return replace(self.loss, ratio=ratio, prior=None if self.loss.prior is None else seen)


@dataclass(frozen=True)
class FrozenRecipe:
    """Everything that a fit on other rows needs beside those rows.

    Attributes:
        heads: by the name of their candidate; heads of one owner are one network.
        training: [train], `epochs` being those of the schedule on which the judged networks were cut.
        boosting: [boosting].
        rounds: trees of the judged booster.
        rows: that it learned from.
        warm: whether networks go on from the judged ones, as those went on from the champion's.
    """

    heads: Mapping[str, FrozenHead]
    training: TrainConfig
    boosting: BoostingConfig
    rounds: int
    rows: int
    warm: bool

    def rounds_for(self, rows: int) -> int:
        """As many trees as were judged, or in proportion where a window holds many more rows."""
        factor = rows / self.rows
        return round(self.rounds * factor) if factor > GROWN else self.rounds

    def identity(self) -> dict[str, Any]:
        """What makes two nights' recipes one: all that was configured or selected, nothing that a fit stopped at.

        A block that was fitted on an earlier night had that night's epochs and trees, as what shipped then would have
        had.
        """
        heads = {
            name: {"owner": each.owner, "class_weight": each.class_weight, **_setting(each.loss)}
            for name, each in self.heads.items()
        }
        training = self.training.model_dump(mode="json", exclude={"threads", "device", "epochs", "patience"})
        boosting = self.boosting.model_dump(mode="json", exclude={"rounds", "patience"})
        return {"heads": heads, "training": training, "boosting": boosting}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the report."""
        return {
            "epochs": {name: each.epochs for name, each in self.heads.items()},
            "schedule": self.training.epochs,
            "trees": self.rounds,
            "warm": self.warm,
        }


def frozen_recipe(run: Path, config: Config, models: Models, *, rows: int, threads: int) -> FrozenRecipe:
    """The recipe of a run whose candidates have been judged.

    Args:
        run: its folder.
        config: its configuration.
        models: what it fitted.
        rows: that train learned from.
        threads: resolved.

    Raises:
        InputError: the sweep does not say at which epoch a network was cut.
    """
    report = TrainReport.read(run / "train" / "report.json")
    settings = read_json(run / "train" / "sweep.json")["settings"]
    training = config.train.model_copy(update={"threads": threads})
    if report.warm:
        training = training.model_copy(update={"epochs": config.sweep.recheck_epochs})
    return FrozenRecipe(
        heads={name: _frozen(models.heads[name], settings) for name in SHIPPED_HEADS},
        training=training,
        boosting=config.boosting,
        rounds=models.booster.best_round,
        rows=rows,
        warm=report.warm,
    )


def _frozen(head: Head, settings: list[dict[str, Any]]) -> FrozenHead:
    for each in settings:
        same = LossSettings.from_dict(each["loss"]) == head.loss and each["class_weight"] == head.class_weight
        if same and each["repeat"] == 0:
            return FrozenHead(head.owner, head.loss, each["class_weight"], int(each["best_epoch"]))
    raise InputError(f"the sweep must hold the setting of {head.owner} (ε = {head.loss.epsilon:g}), but it does not")


def _setting(loss: LossSettings) -> dict[str, Any]:
    values: dict[str, Any] = loss.to_dict()
    return {name: value for name, value in values.items() if name not in ("ratio", "prior")}
