"""Fitted blocks beside the runs, where the next night finds them: what a block was fitted on does not change.

An entry is found by a digest of all that decides it: rows, labels and weights of its window, the recipe, code and
libraries. What is not whole counts as absent and is fitted again. Where a store keeps the runs, it keeps the blocks
too, for the machine that the next night finds; a store that does not answer costs a fit and no run.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.stages.artifacts.encoder_blocks import EncoderBlocks, load_encoder_blocks, save_encoder_blocks
from pipeline.stages.artifacts.model_files import load_saved_models, save_models
from pipeline.stages.refit.recipe_fit import FittedRecipe
from pipeline.stages.stage import StageContext
from pipeline.storage.atomic import replaced_folder
from pipeline.storage.content import read_json, write_json
from pipeline.storage.done import DONE, changed_files, read_done, write_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held
from pipeline.storage.object_store import Remote, opened
from pipeline.storage.stored_folder import LARGEST_MARKER, Marker, bring_folder, listed_files, send_folder

FOLDER = "refit-blocks"
KEPT = 64
"""Entries that stay, the most recently used: several configurations share a folder of runs."""
PATIENCE = 60.0


def block_store(context: StageContext) -> "BlockStore":
    """The blocks beside a run, and in the store that keeps it."""
    store, floor = context.config.runs.store, context.config.calibration.posterior_floor
    remote = opened(store).child(FOLDER) if store else None
    return BlockStore(context.run.parent / FOLDER, floor, remote, context.reporter.warn)


@dataclass(frozen=True)
class BlockStore:
    """The folder of fitted blocks of a folder of runs.

    Attributes:
        folder: where they lie here.
        posterior_floor: of the probabilities of a block's models.
        remote: where they lie in the store of the runs; None where there is none.
        warn: told of what the store could not do.
    """

    folder: Path
    posterior_floor: float
    remote: Remote | None = None
    warn: Callable[[str], None] = print

    def fitted(self, key: str) -> FittedRecipe | None:
        """The block of a digest; None where there is none that is whole."""
        place = self.folder / key
        if not _whole(place, key):
            self._bring(key)
            if not _whole(place, key):
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
        self._send(key)
        self._prune()

    def _bring(self, key: str) -> None:
        """Bring a block that another machine has fitted."""
        if self.remote is None:
            return
        with self._forgiving("brought from"):
            content = self.remote.child(f"{key}/{DONE}").content(limit=LARGEST_MARKER)
            if content is not None:
                marker = Marker(DONE, content)
                bring_folder(self.remote.child(key), self.folder / key, marker, listed_files(content))

    def _send(self, key: str) -> None:
        if self.remote is None:
            return
        with self._forgiving("sent to"):
            marker = Marker(DONE, (self.folder / key / DONE).read_bytes())
            send_folder(self.folder / key, self.remote.child(key), marker)

    @contextlib.contextmanager
    def _forgiving(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (OSError, InputError) as error:
            self.warn(f"a fitted block could not be {verb} the store of the runs: {error}")

    def _prune(self) -> None:
        """Let the entries go that were not used for longest here, and there those that were not sent for longest."""
        used = sorted(self.folder.glob(f"*/{DONE}"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in used[KEPT:]:
            shutil.rmtree(path.parent, ignore_errors=True)
        if self.remote is None:
            return
        with self._forgiving("counted in"):
            marked = {name: at.modified for name, at in self.remote.files().items() if name.endswith(f"/{DONE}")}
            for name in sorted(marked, key=lambda each: marked[each], reverse=True)[KEPT:]:
                self.remote.child(name).remove()
                self.remote.child(name.removesuffix(f"/{DONE}")).remove_folder()


def _whole(place: Path, key: str) -> bool:
    done = read_done(place)
    return done is not None and done.fingerprint == key and not changed_files(place, done)
