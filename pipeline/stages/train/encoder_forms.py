"""Every form of the shared encoder on one train fold, with and without a planted id that knows nothing.

An id with many values and no signal is what an encoder learns by heart and a booster then trusts. Planting one shows
what a form costs when there is nothing to be gained.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.report.encoder_leak_section import PLAIN, LeakArm, leak_lines, leak_section
from evaluation.selection import time_blocks
from features.encode import Encoder
from models.boosting import BoostingConfig, EmbeddingForm
from models.calibration import CalibrationConfig
from models.encoded_booster import fit_boosted
from models.losses import LossSettings, posterior
from models.network import Architecture
from models.rows import Float64s, RowArrays, fraud_rate
from models.shared_encoder import fresh_networks
from models.training.loop import TrainConfig, configured_architecture, fit_networks
from pipeline.stages.artifacts.candidates import cross_fitted_probabilities
from pipeline.stages.stage import StageContext
from pipeline.storage.content import write_json

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
    forms: tuple[EmbeddingForm, ...]
    planted_values: int
    training: TrainConfig
    boosting: BoostingConfig
    calibration: CalibrationConfig


def write_leak_table(context: StageContext, train: RowArrays, valid: RowArrays, *, study: LeakStudy) -> None:
    """Write encoder_leak.json: what every form of the shared encoder brings, on valid, which alone may choose one.

    Args:
        context: of the train stage.
        train: labelled rows.
        valid: labelled rows.
        study: what is compared.
    """
    records = leak_section(
        valid.label,
        list(leak_arms(train, valid, study=study, tell=lambda what: context.reporter.progress(0, 1, what))),
        clusters=np.arange(len(valid.label)),
        rng=np.random.default_rng([study.training.seed, 4]),
        settings=context.config.evaluation.bootstrap(),
    )
    fold = {"fold": "valid", "rows": len(valid.label), "frauds": int(valid.label.sum())}
    write_json(context.out / "encoder_leak.json", {**fold, "arms": records})
    context.log.artifact("train/encoder_leak.json")
    for line in leak_lines(records):
        context.reporter.say(f"    {line}")


def leak_arms(train: RowArrays, valid: RowArrays, *, study: LeakStudy, tell: Tell) -> Iterator[LeakArm]:
    """One arm per case and form, judged on valid by maps and a hybrid fitted on its other blocks of time.

    Args:
        train: labelled rows.
        valid: labelled rows, which also stop every fit: alike for all arms.
        study: what is compared.
        tell: hears what is being fitted.
    """
    for case in CASES if study.planted_values else CASES[:1]:
        tell(f"{case.name}: head")
        rng = np.random.default_rng([study.training.seed, 3])
        folds = [_planted(rows, study.planted_values, rng) if case.planted else rows for rows in (train, valid)]
        sizes = [*study.encoder.sizes, *([study.planted_values + 1] if case.planted else [])]
        training = study.training.model_copy(update={"rows_per_category": 1} if case.own_rows else {})
        architecture = configured_architecture(
            study.encoder.scaling, cardinalities=sizes, rows=len(train.label), config=training
        )
        for form, found in _form_probabilities(*folds, architecture=architecture, training=training, study=study):
            tell(f"{case.name}: {form}")
            yield LeakArm(case.name, form, found)


def _form_probabilities(
    train: RowArrays, valid: RowArrays, *, architecture: Architecture, training: TrainConfig, study: LeakStudy
) -> Iterator[tuple[str, dict[str, Float64s]]]:
    """P(fraud) on valid of booster and hybrid with each form, beside the first form that of the head they share."""
    floor = study.calibration.posterior_floor
    head = fit_networks(
        train,
        valid,
        architecture=architecture,
        settings=[study.loss],
        repeats=[0],
        prevalence=fraud_rate(train),
        config=training,
    )[0]
    until = functools.cache(fresh_networks(train, valid, architecture=architecture, loss=study.loss, config=training))
    of_head = posterior(head.valid_margins, study.loss, floor=floor).log_odds
    blocks = time_blocks(valid.time, folds=study.calibration.cross_fit_folds)
    for form in dict.fromkeys((PLAIN, *study.forms)):
        boosted = fit_boosted(
            train,
            valid,
            head=head.state,
            loss=study.loss,
            architecture=architecture,
            numeric=study.encoder.numeric,
            boosting=study.boosting.model_copy(update={"embedding": form}),
            training=training,
            floor=floor,
            network_until=until,
        )
        log_odds = {"mlp": of_head, "xgboost": boosted.valid_log_odds}
        found = cross_fitted_probabilities(valid.label, log_odds, blocks=blocks, config=study.calibration)
        yield form, {name: p for name, p in found.items() if name != "mlp" or form == PLAIN}


def _planted(rows: RowArrays, values: int, rng: np.random.Generator) -> RowArrays:
    """The rows with one more categorical column, drawn at random: it can tell nothing."""
    codes = rng.integers(1, values + 1, size=(len(rows.label), 1)).astype(rows.categorical.dtype)
    categorical = np.concatenate([rows.categorical, codes], axis=1)
    return RowArrays(rows.numeric, categorical, rows.label, rows.weight, rows.time)
