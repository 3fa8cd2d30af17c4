"""The sweep of the head, the booster on the shared embedding, and the baseline.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Features to heads, booster and baseline; one line on what came out."""
    from pipeline.stages.train.make_models import make_models

    return make_models(context)
