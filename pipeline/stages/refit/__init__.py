"""The judged recipe fitted anew on the newest rows.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """The judged recipe to a model of the newest rows; one line on what came out."""
    from pipeline.stages.refit.make_refit import make_refit

    return make_refit(context)
