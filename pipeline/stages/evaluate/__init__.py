"""Every candidate judged once on the test fold.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Calibrated candidates to report and verdict; one line on what came out."""
    from pipeline.stages.evaluate.make_evaluation import make_evaluation

    return make_evaluation(context)
