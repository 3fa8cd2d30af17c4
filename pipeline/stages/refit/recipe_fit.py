"""The judged recipe fitted on another window of rows: encoder, heads, booster and baseline, nothing chosen anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from features.encode import Encoder, fit_encoder
from features.encoding_options import EncodingConfig
from features.vocabulary import code_pairs
from models.baseline import fit_logistic_baseline
from models.booster_inputs import plain_columns
from models.encoded_booster import FitCalls, fit_boosted
from models.losses import tail_floor
from models.network import State
from models.rows import RowArrays, fraud_rate, labelled_rows, taken_rows
from models.shared_encoder import HeadNetwork
from models.task import FixedLength, Task
from models.training.loop import configured_architecture, fit_networks
from models.training.warm_start import carried_weights
from pipeline.stages.artifacts.candidates import Head, Models
from pipeline.stages.refit.encoder_chain import EncoderChain, SeenNetwork, network_until
from pipeline.stages.refit.frozen_recipe import FrozenHead, FrozenRecipe
from pipeline.stages.refit.label_history import KnownRows

BESIDE = 2_000
"""Newest rows that stand in where every label of a window was used."""


@dataclass(frozen=True)
class FitWindow:
    """The rows of a fit.

    Attributes:
        rows: of the window.
        start: its start, and `end` its end: nothing later was looked at.
        numeric: names of the numeric columns.
        categorical: names of the categorical columns.
        encoding: [features.encoding].
    """

    rows: KnownRows
    start: int
    end: int
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    encoding: EncodingConfig


@dataclass(frozen=True)
class FittedRecipe:
    """Models of a window.

    Attributes:
        models: without calibrators.
        prevalence: fraud rate of the rows that were learned from.
        until: end of the window.
        rows: learned from; `frauds` among them.
        encoder_networks: those that the booster looked through and that were fitted for it, by their time.
        epochs: of the head's network, and `trees` of the booster.
    """

    models: Models
    prevalence: float
    until: int
    rows: int
    frauds: int
    epochs: int
    trees: int
    encoder_networks: Mapping[int, State] = field(default_factory=dict)

    @property
    def seen_networks(self) -> tuple[SeenNetwork, ...]:
        """All networks of this fit, for later ones to look through."""
        head, encoder = self.models.heads["mlp"], self.models.encoder
        own = {self.until: head.state, **self.encoder_networks}
        return tuple(SeenNetwork(until, state, head.loss, encoder) for until, state in own.items())


def fit_recipe(
    window: FitWindow, recipe: FrozenRecipe, *, judged: Models, chain: EncoderChain, posterior_floor: float
) -> FittedRecipe:
    """The recipe on the rows of a window.

    Args:
        window: the rows.
        recipe: what was judged.
        judged: the judged models, whose networks a warm recipe goes on from.
        chain: networks that the booster may look through.
        posterior_floor: as configured.

    Raises:
        InputError: the labelled rows of the window, or of a part that an encoder is fitted on, lack a class.
    """
    encoder = _encoder(window)
    train = labelled_rows(encoder.apply(window.rows.labelled), name="the window of the refit")
    architecture = configured_architecture(
        encoder.scaling, cardinalities=encoder.sizes, rows=recipe.rows, config=recipe.training
    )
    task = Task(train, _beside(encoder, window), architecture, fraud_rate(train))
    rounds = recipe.rounds_for(len(train.label))
    heads = _fitted_heads(task, recipe, judged, encoder)
    head = HeadNetwork(heads["mlp"].state, heads["mlp"].loss)
    kept: dict[int, State] = {}
    boosted = fit_boosted(
        replace(task, length=FixedLength((), rounds)),
        head=head,
        plain=plain_columns(encoder.numeric, encoder.categorical, encoder.sizes, limit=recipe.boosting.one_hot),
        boosting=recipe.boosting,
        training=recipe.training,
        calls=FitCalls(
            network_until(
                chain,
                encoder=encoder,
                loss=head.loss,
                tolerance=(window.end - window.start) // recipe.boosting.blocks,
                fit=lambda border: _earlier_network(task, border, recipe, judged, encoder),
                kept=kept,
            )
        ),
    )
    models = Models(
        encoder=encoder,
        heads=heads,
        booster=boosted.booster,
        booster_inputs=boosted.inputs,
        baseline=fit_logistic_baseline(train, scaling=encoder.scaling, cardinalities=encoder.sizes),
        posterior_floor=tail_floor(posterior_floor, prevalence=task.prevalence),
    )
    return FittedRecipe(
        models=models,
        prevalence=task.prevalence,
        until=window.end,
        rows=len(train.label),
        frauds=int(train.label.sum()),
        epochs=recipe.heads["mlp"].epochs,
        trees=boosted.booster.best_round,
        encoder_networks=dict(sorted(kept.items())),
    )


def _encoder(window: FitWindow) -> Encoder:
    """Knots, scales and vocabularies of all rows of the window, of known label or not, as those of train are."""
    table = window.rows.table.append_column("fold", pa.repeat(pa.scalar("train"), window.rows.table.num_rows))
    return fit_encoder(table, numeric=window.numeric, categorical=window.categorical, settings=window.encoding)


def _beside(encoder: Encoder, window: FitWindow) -> RowArrays:
    """Rows whose labels no network learned from, for what is fitted on features alone; their labels say nothing."""
    unused = np.flatnonzero(~window.rows.usable)[-BESIDE:]
    places = unused if len(unused) >= BESIDE // 4 else np.arange(len(window.rows.usable))[-BESIDE:]
    rows = encoder.apply(window.rows.table.take(pa.array(places)))
    blank = RowArrays(rows.numeric, rows.categorical, np.zeros_like(rows.label), np.ones_like(rows.weight), rows.time)
    return taken_rows(blank, np.argsort(blank.time, kind="stable"))


def _fitted_heads(task: Task, recipe: FrozenRecipe, judged: Models, encoder: Encoder) -> dict[str, Head]:
    """Every network once, all in one pass over the data."""
    owners: dict[str, FrozenHead] = {}
    for each in recipe.heads.values():
        owners.setdefault(each.owner, each)
    losses = {owner: each.loss_at(task.prevalence) for owner, each in owners.items()}
    fits = fit_networks(
        replace(task, length=FixedLength(tuple(each.epochs for each in owners.values()), 0)),
        settings=list(losses.values()),
        repeats=[0] * len(owners),
        config=recipe.training,
        start=_starts(task, recipe, judged, encoder, list(owners.values())),
    )
    states = dict(zip(owners, (fit.state for fit in fits), strict=True))
    return {
        name: Head(each.owner, states[each.owner], losses[each.owner], each.class_weight)
        for name, each in recipe.heads.items()
    }


def _earlier_network(task: Task, border: int, recipe: FrozenRecipe, judged: Models, encoder: Encoder) -> State:
    """The head's network on the rows of the window up to a time; the ratio of its loss stays that of the window."""
    head = recipe.heads["mlp"]
    fit = fit_networks(
        replace(task.up_to(border), length=FixedLength((head.epochs,), 0)),
        settings=[head.loss_at(task.prevalence)],
        repeats=[0],
        config=recipe.training,
        start=_starts(task, recipe, judged, encoder, [head]),
    )
    return fit[0].state


def _starts(
    task: Task, recipe: FrozenRecipe, judged: Models, encoder: Encoder, heads: list[FrozenHead]
) -> list[State] | None:
    """Weights to go on from, where the judged networks went on from others; None for fresh ones."""
    if not recipe.warm:
        return None
    both = zip(encoder.vocabularies, judged.encoder.vocabularies, strict=True)
    codes = [code_pairs(now, then) for now, then in both]
    states = {each.owner: judged.heads[each.owner].state for each in judged.heads.values()}
    return [carried_weights(states[head.owner], task.architecture, codes=codes) for head in heads]
