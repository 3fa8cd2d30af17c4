"""What is in production, since when and by which decision, as the promotion ledger has it."""

from collections.abc import Mapping
from pathlib import Path

from features.times import time_text
from pipeline.config import Config
from pipeline.registry.ledger import LEDGER, Promotion, read_ledger
from pipeline.tracking.mlflow_store import sqlite_file, store_uri

WORDS = {
    "promote": "its gate passed",
    "rollback": "rolled back to",
    "found": "the alias was moved by other hands, which was noticed then",
}
SHOWN_REFUSALS = 3


def production_lines(config: Config, *, runs: Path, run_of: Mapping[str, str]) -> list[str]:
    """Lines for a person: the champion, since when, why and from which run, and what was refused since.

    Only the ledger is read, so this costs no library of MLflow's. Of a store behind a server it is the ledger of this
    machine, which every promotion and rollback here completes.

    Args:
        config: where the registry is, and its name.
        runs: the folder of runs.
        run_of: names of runs by the SHA-256 of their bundle's manifest.

    Raises:
        InputError: the ledger cannot be read.
    """
    store = sqlite_file(store_uri(config.tracking, runs=runs))
    folder = store.parent if store is not None else runs
    lines = [each for each in read_ledger(folder / LEDGER) if each.model == config.registry.name]
    moves = [each for each in lines if each.before != each.after]
    if not moves or moves[-1].after is None:
        return [f"no version of {config.registry.name} is in production", *_refused(lines, None, run_of)]
    move = moves[-1]
    came = f", from run {run_of[move.manifest]}" if move.manifest in run_of else ""
    place = f", in place of version {move.before}" if move.before is not None else ""
    return [
        f"version {move.after} of {config.registry.name} since {time_text(move.time)[:16]}Z{place}",
        f"why: {WORDS[move.action]}{came} (by {move.actor})",
        *_refused(lines, move, run_of),
    ]


def _refused(lines: list[Promotion], since: Promotion | None, run_of: Mapping[str, str]) -> list[str]:
    """What was registered since and did not become champion."""
    later = [each for each in lines if each.action == "refuse" and (since is None or each.sequence > since.sequence)]
    return [
        f"refused: version {each.version} at {time_text(each.time)[:16]}Z"
        + (f", run {run_of[each.manifest]}" if each.manifest in run_of else "")
        for each in later[-SHOWN_REFUSALS:]
    ]
