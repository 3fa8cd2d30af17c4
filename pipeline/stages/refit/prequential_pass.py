"""The last blocks of time, each scored by the recipe as it would have shipped at the block's start.

Such predictions have the lag that production has, and no model has seen what it scores. Blocks begin at fixed moments,
whole multiples of their length since 1970, so that from night to night at most one is new.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.times import time_text
from models.losses import LossSettings
from pipeline.config import Config
from pipeline.process.reporter import Reporter
from pipeline.sections import RefitConfig
from pipeline.stages.artifacts.candidates import Models, RawScores, raw_scores
from pipeline.stages.artifacts.encoder_blocks import EncoderBlocks
from pipeline.stages.refit.block_store import BlockStore
from pipeline.stages.refit.encoder_chain import EncoderChain, SeenNetwork
from pipeline.stages.refit.frozen_recipe import FrozenRecipe
from pipeline.stages.refit.label_history import History, KnownRows, Stretch
from pipeline.stages.refit.recipe_fit import FittedRecipe, FitWindow, fit_recipe
from pipeline.storage.digests import TableDigest, sha256_json
from pipeline.storage.errors import INPUT_ERRORS, InputError


@dataclass(frozen=True)
class RefitPlan:
    """What every fit of a refit has in common.

    Attributes:
        recipe: what was judged.
        judged: the judged models.
        history: every row.
        config: of the run.
        length: of a window, microseconds.
        numeric: names of the numeric columns.
        categorical: names of the categorical columns.
        threads: resolved.
        code: digest of what decides a fit beside rows and recipe.
    """

    recipe: FrozenRecipe
    judged: Models
    history: History
    config: Config
    length: int
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    threads: int
    code: str

    @property
    def refit(self) -> RefitConfig:
        """[refit]."""
        return self.config.refit

    def window(self, moment: int, *, deadline: int | None) -> FitWindow:
        """The window of the model that would have shipped at a moment, with the labels known by then."""
        late = self.refit.until == "matured" and deadline is not None
        end = moment - self.config.labels.delay if late else moment
        stretch = Stretch(end - self.length, end, deadline)
        cap = self.config.labels.training_approval_cap
        rows = self.history.rows(stretch, approval_cap=cap, learning=True)
        encoding = self.config.features.encoding
        return FitWindow(rows, stretch.start, end, self.numeric, self.categorical, encoding)

    def fitted(self, window: FitWindow, chain: EncoderChain) -> FittedRecipe:
        """The recipe on the rows of a window.

        Raises:
            InputError: they lack a class.
        """
        floor = self.config.calibration.posterior_floor
        return fit_recipe(window, self.recipe, judged=self.judged, chain=chain, posterior_floor=floor)

    def scored(self, models: Models, rows: KnownRows) -> RawScores:
        """What models say of rows before any calibrator."""
        return raw_scores(models, models.encoder.apply(rows.table), threads=self.threads)

    def scored_table(self, models: Models, table: pa.Table) -> Mapping[str, np.ndarray]:
        """Log odds of every candidate but the hybrid, before any map [N]."""
        return raw_scores(models, models.encoder.apply(table), threads=self.threads).log_odds


@dataclass(frozen=True)
class ScoredBlock:
    """One block.

    Attributes:
        origin: its start; what scored it had seen nothing later.
        end: its end.
        fitted: what scored it.
        rows: of the block, labels as they are known at the moment of the run [N].
        log_odds: of every candidate but the hybrid, before any map [N].
        kept: whether it was fitted on an earlier night.
    """

    origin: int
    end: int
    fitted: FittedRecipe
    rows: KnownRows
    log_odds: Mapping[str, np.ndarray]
    kept: bool


@dataclass(frozen=True)
class PrequentialPass:
    """The blocks in order of time, the networks that later fits may look through, and why blocks are missing."""

    blocks: tuple[ScoredBlock, ...]
    chain: EncoderChain
    notes: tuple[str, ...] = ()


def block_origins(now: int, *, block: int, blocks: int) -> list[int]:
    """Where the last blocks begin: multiples of their length before `now`, in order of time.

    >>> block_origins(100, block=7, blocks=3)
    [84, 91, 98]
    """
    newest = (now - 1) // block * block
    return [newest - place * block for place in range(blocks - 1, -1, -1)]


def judged_chain(judged: Models, *, until: int, blocks: EncoderBlocks | None) -> EncoderChain:
    """The networks of the judged run: its head, and those that its booster looked through."""
    head = judged.heads["mlp"]
    own = SeenNetwork(until, head.state, head.loss, judged.encoder)
    loss: LossSettings = head.loss if blocks is None else blocks.loss
    earlier = {} if blocks is None else blocks.networks
    return EncoderChain((own, *(SeenNetwork(each, state, loss, judged.encoder) for each, state in earlier.items())))


def prequential_pass(plan: RefitPlan, chain: EncoderChain, store: BlockStore, *, reporter: Reporter) -> PrequentialPass:
    """Every block that can be fitted, scored.

    Args:
        plan: of the refit.
        chain: networks that are there already.
        store: blocks of earlier nights.
        reporter: hears which block is being fitted.
    """
    refit, history = plan.refit, plan.history
    origins = block_origins(history.now, block=refit.block, blocks=refit.blocks)
    chain = chain.with_networks(_earlier_networks(plan, store, before=origins[0]))
    blocks: list[ScoredBlock] = []
    notes: list[str] = []
    for place, (origin, end) in enumerate(zip(origins, [*origins[1:], history.now], strict=True), start=1):
        reporter.progress(place, len(origins) + 1, f"as of {time_text(origin)}")
        try:
            fitted, kept = _block(plan, origin, chain, store)
        except INPUT_ERRORS as error:
            notes.append(f"no block from {time_text(origin)}: {error}")
            continue
        chain = chain.with_networks(fitted.seen_networks)
        cap = plan.config.labels.approval_cap
        rows = history.rows(Stretch(origin, end, history.as_of), approval_cap=cap, learning=False)
        blocks.append(ScoredBlock(origin, end, fitted, rows, plan.scored(fitted.models, rows).log_odds, kept))
    return PrequentialPass(tuple(blocks), chain, tuple(notes))


def fitted_at(plan: RefitPlan, origin: int, chain: EncoderChain, store: BlockStore) -> FittedRecipe:
    """The model that would have shipped at a moment, fitted or found.

    Raises:
        InputError: the rows of its window lack a class.
    """
    return _block(plan, origin, chain, store)[0]


def _block(plan: RefitPlan, origin: int, chain: EncoderChain, store: BlockStore) -> tuple[FittedRecipe, bool]:
    window = plan.window(origin, deadline=origin)
    if window.rows.frauds == 0:
        raise InputError(f"no fraud of the {window.rows.table.num_rows:,} rows of its window was known")
    key = _block_key(plan, origin, window)
    found = store.fitted(key)
    if found is not None:
        return found, True
    fitted = plan.fitted(window, chain)
    store.keep(key, fitted)
    return fitted, False


def _block_key(plan: RefitPlan, origin: int, window: FitWindow) -> str:
    """All that decides a block, the networks it may look through left aside: they are those of its night."""
    rows = TableDigest()
    rows.update(window.rows.table)
    return sha256_json(
        {
            "origin": origin,
            "window": [window.start, window.end],
            "rows": rows.hexdigest(),
            "recipe": plan.recipe.identity(),
            "encoding": window.encoding.model_dump(mode="json"),
            "code": plan.code,
        }
    )[:32]


def _earlier_networks(plan: RefitPlan, store: BlockStore, *, before: int) -> Iterator[SeenNetwork]:
    """Networks of blocks of earlier nights that lie before the first one of tonight, as far as windows reach back."""
    for origin in range(before - plan.refit.block, before - plan.length, -plan.refit.block):
        window = plan.window(origin, deadline=origin)
        if window.rows.table.num_rows and (found := store.fitted(_block_key(plan, origin, window))):
            yield from found.seen_networks
