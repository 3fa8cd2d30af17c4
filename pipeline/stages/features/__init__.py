"""Transactions to point-in-time features, time folds and the encoder fitted on train.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from collections.abc import Sequence
from pathlib import Path

from features.windows.plugins import plugin_sources
from pipeline.config import Config
from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Transactions to features.parquet, its specification and the encoder; one line on what came out."""
    from pipeline.stages.features.make_features import make_features

    return make_features(context)


def outside_inputs(config: Config) -> Sequence[tuple[str, Path | str]]:
    """The source files of plugins: code that decides the output and is none of Harbor's."""
    sources = [plugin_sources(name) for name in config.features.plugins]
    return [(f"plugin {module}", path) for each in sources for module, path in each.items()]
