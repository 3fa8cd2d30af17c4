"""Every form of the shared encoder on one train fold, with and without a planted id that knows nothing.

An id with many values and no signal is what an encoder learns by heart and a booster then trusts. Planting one shows
what a form costs when there is nothing to be gained.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation.options import BootstrapSettings
from evaluation.report.encoder_leak_section import PLAIN, LeakArm, leak_lines, leak_section
from evaluation.selection import time_blocks
from evaluation.statistics.dependence import Dependence
from features.encode import Encoder
from models.booster_inputs import plain_columns
from models.encoded_booster import fit_boosted
from models.losses import LossSettings, posterior, tail_floor
from models.options import BoostingConfig, CalibrationConfig, StudyForm, TrainConfig
from models.rows import Float64s, RowArrays
from models.shared_encoder import HeadNetwork, fresh_networks
from models.task import Task
from models.training.loop import configured_architecture, fit_networks
from pipeline.stages.artifacts.candidates import cross_fitted_probabilities

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """What is done to the data: whether the id is planted, and whether each of its values has a lookup row."""

    name: str
    planted: bool = False
    own_rows: bool = False


CASES = (Case("as it is"), Case("useless id", planted=True), Case("useless id, a lookup row a value", True, True))


@dataclass(frozen=True)
class LeakStudy:
    """What all cases and forms have in common.

    Attributes:
        encoder: of the features.
        loss: what heads and encoders minimise.
        forms: what is compared; "none" always is.
        planted_values: values of the planted id; 0 leaves the data as they are.
        training: [train], threads resolved.
        boosting: [boosting], but for the form.
        calibration: [calibration].
    """

    encoder: Encoder
    loss: LossSettings
    forms: tuple[StudyForm, ...]
    planted_values: int
    training: TrainConfig
    boosting: BoostingConfig
    calibration: CalibrationConfig


@dataclass(frozen=True)
class LeakTable:
    """What every form brings on valid: an arm's statistics and its gain on the first form, a record an arm."""

    rows: int
    frauds: int
    arms: list[dict[str, Any]]

    @property
    def lines(self) -> list[str]:
        """The same in words."""
        return list(leak_lines(self.arms))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"fold": "valid", "rows": self.rows, "frauds": self.frauds, "arms": self.arms}


def leak_table(
    task: Task, *, study: LeakStudy, clusters: Dependence, bootstrap: BootstrapSettings, tell: Tell
) -> LeakTable:
    """What every form of the shared encoder brings, on valid, which alone may choose one.

    Args:
        task: labelled rows.
        study: what is compared.
        clusters: which rows of valid move together.
        bootstrap: how intervals are made.
        tell: hears what is being fitted.
    """
    label = task.valid.label
    records = leak_section(
        label,
        list(leak_arms(task, study=study, tell=tell)),
        clusters=clusters,
        rng=np.random.default_rng([study.training.seed, 4]),
        settings=bootstrap,
    )
    return LeakTable(len(label), int(label.sum()), records)


def leak_arms(task: Task, *, study: LeakStudy, tell: Tell) -> Iterator[LeakArm]:
    """One arm per case and form, judged on valid by maps and a hybrid fitted on its other blocks of time.

    Args:
        task: labelled rows; those of valid also stop every fit: alike for all arms.
        study: what is compared.
        tell: hears what is being fitted.
    """
    for case in CASES if study.planted_values else CASES[:1]:
        tell(f"{case.name}: head")
        training = study.training.model_copy(update={"rows_per_category": 1} if case.own_rows else {})
        for form, found in _form_probabilities(_case_task(task, case, training, study), training, study=study):
            tell(f"{case.name}: {form}")
            yield LeakArm(case.name, form, found)


def _case_task(task: Task, case: Case, training: TrainConfig, study: LeakStudy) -> Task:
    """The task with the id planted, where the case has it, and the architecture that follows."""
    rng = np.random.default_rng([study.training.seed, 3])
    train, valid = task.train, task.valid
    sizes = list(study.encoder.sizes)
    if case.planted:
        train, valid = (_planted(rows, study.planted_values, rng) for rows in (train, valid))
        sizes.append(study.planted_values + 1)
    architecture = configured_architecture(
        study.encoder.scaling, cardinalities=sizes, rows=len(train.label), config=training
    )
    return replace(task, train=train, valid=valid, architecture=architecture)


def _form_probabilities(
    task: Task, training: TrainConfig, *, study: LeakStudy
) -> Iterator[tuple[str, dict[str, Float64s]]]:
    """P(fraud) on valid of booster and hybrid with each form, beside the first form that of the head they share."""
    floor, valid = tail_floor(study.calibration.posterior_floor, prevalence=task.prevalence), task.valid
    fit = fit_networks(task, settings=[study.loss], repeats=[0], config=training)[0]
    head = HeadNetwork(fit.state, study.loss)
    until = functools.cache(fresh_networks(task, loss=study.loss, config=training))
    of_head = posterior(fit.valid_margins, study.loss, floor=floor).log_odds
    blocks = time_blocks(valid.time, folds=study.calibration.cross_fit_folds)
    known, limit = study.encoder, study.boosting.one_hot
    plain = plain_columns(known.numeric, known.categorical, known.sizes, limit=limit)
    forms: tuple[StudyForm, ...] = ("none", *study.forms)
    for form in dict.fromkeys(forms):
        boosted = fit_boosted(
            task,
            head=head,
            plain=plain,
            boosting=study.boosting,
            training=training,
            form=form,
            network_until=until,
        )
        log_odds = {"mlp": of_head, "xgboost": boosted.booster.log_odds(boosted.valid_margins, floor=floor)}
        found = cross_fitted_probabilities(
            valid.label, log_odds, blocks=blocks, config=study.calibration, weights=valid.weight
        )
        yield form, {name: p for name, p in found.items() if name != "mlp" or form == PLAIN}


def _planted(rows: RowArrays, values: int, rng: np.random.Generator) -> RowArrays:
    """The rows with one more categorical column, drawn at random: it can tell nothing."""
    codes = rng.integers(1, values + 1, size=(len(rows.label), 1)).astype(rows.categorical.dtype)
    categorical = np.concatenate([rows.categorical, codes], axis=1)
    return RowArrays(rows.numeric, categorical, rows.label, rows.weight, rows.time)
