"""The bundle for serving, and the state from which raw transactions are scored.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.config import Config
from pipeline.stages.stage import StageContext


def check(config: Config) -> None:
    """Columns that raw transactions cannot be scored by, refused before any work where a state is to be exported."""
    from pipeline.stages.export.online_state import check_servable

    check_servable(config)


def work(context: StageContext) -> str:
    """Models to a bundle; one line on what came out."""
    from pipeline.stages.export.make_bundle import make_bundle

    return make_bundle(context)
