"""Calibrators and the hybrid, fitted on the calib fold alone.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Margins to calibrators; one line on what came out."""
    from pipeline.stages.calibrate.make_calibration import make_calibration

    return make_calibration(context)
