"""The bundle for serving.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Models to a bundle; one line on what came out."""
    from pipeline.stages.export.make_bundle import make_bundle

    return make_bundle(context)
