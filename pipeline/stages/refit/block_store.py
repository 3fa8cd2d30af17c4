"""Fitted blocks beside the runs, where the next night finds them: what a block was fitted on does not change.

An entry is found by a digest of all that decides it: rows, labels and weights of its window, the recipe, code and
libraries. What is not whole counts as absent and is fitted again.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.stages.artifacts.encoder_blocks import EncoderBlocks, load_encoder_blocks, save_encoder_blocks
from pipeline.stages.artifacts.model_files import load_saved_models, save_models
from pipeline.stages.refit.recipe_fit import FittedRecipe
from pipeline.storage.atomic import replaced_folder
from pipeline.storage.content import read_json, write_json
from pipeline.storage.done import DONE, changed_files, read_done, write_done
from pipeline.storage.locks import held

FOLDER = "refit-blocks"
KEPT = 64
"""Entries that stay, the most recently used: several configurations share a folder of runs."""
PATIENCE = 60.0


@dataclass(frozen=True)
class BlockStore:
    """The folder of fitted blocks of a folder of runs."""

    folder: Path
    posterior_floor: float

    def fitted(self, key: str) -> FittedRecipe | None:
        """The block of a digest; None where there is none that is whole."""
        place = self.folder / key
        done = read_done(place)
        if done is None or done.fingerprint != key or changed_files(place, done):
            return None
        os.utime(place / DONE)
        described = read_json(place / "block.json")
        blocks = load_encoder_blocks(place)
        return FittedRecipe(
            models=load_saved_models(place, posterior_floor=self.posterior_floor),
            encoder_networks={} if blocks is None else blocks.networks,
            **described,
        )

    def keep(self, key: str, fitted: FittedRecipe) -> None:
        """Write a block under its digest; the entries that were not used for longest go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            held(self.folder / ".lock", f"another refit is writing to {self.folder}", patience=PATIENCE),
            replaced_folder(self.folder / key) as out,
        ):
            save_models(out, fitted.models, prevalence=fitted.prevalence)
            save_encoder_blocks(out, EncoderBlocks(fitted.models.heads["mlp"].loss, dict(fitted.encoder_networks)))
            names = ("prevalence", "until", "rows", "frauds", "epochs", "trees")
            write_json(out / "block.json", {name: getattr(fitted, name) for name in names})
            write_done(out, fingerprint=key, details={})
        self._prune()

    def _prune(self) -> None:
        used = sorted(self.folder.glob(f"*/{DONE}"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in used[KEPT:]:
            shutil.rmtree(path.parent, ignore_errors=True)
