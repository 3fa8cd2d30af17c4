"""Who is champion has changed: the notice of it, from the ledger, whoever made the change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from features.times import time_text
from pipeline.config import Config
from pipeline.notices.delivery import notices
from pipeline.notices.notice import Notice
from pipeline.registry.ledger import LEDGER, Promotion, read_ledger
from pipeline.tracking.mlflow_store import sqlite_file, store_uri


@contextmanager
def champion_changes_told(config: Config, *, runs: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Tell every change of champion that the ledger gains while the `with` block lasts, even if that ends in an error.

    Args:
        config: where the registry is, and who is told.
        runs: the folder of runs.
        warn: is told what could not be told.
    """
    if not config.tracking.enabled:
        yield
        return
    known = len(_lines(config, runs))
    with notices(config.notify, warn=warn) as tell:
        try:
            yield
        finally:
            for line in _lines(config, runs)[known:]:
                if line.before != line.after:
                    tell(champion_notice(line))


def champion_notice(line: Promotion) -> Notice:
    """The notice of one line of the ledger."""
    content = {
        "model": line.model,
        "champion": line.after,
        "before": line.before,
        "action": line.action,
        "actor": line.actor,
        "manifest": line.manifest,
        "changed": time_text(line.time),
        "sequence": line.sequence,
    }
    return Notice("champion_changed", content)


def _lines(config: Config, runs: Path) -> list[Promotion]:
    store = sqlite_file(store_uri(config.tracking, runs=runs))
    ledger = (store.parent if store is not None else runs) / LEDGER
    return [line for line in read_ledger(ledger) if line.model == config.registry.name] if ledger.is_file() else []
