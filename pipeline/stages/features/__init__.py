"""Transactions to point-in-time features, time folds and the encoder fitted on train.

The door of the stage's room: what it needs is loaded when it works, so that a plan or a refusal waits for no library.
"""

from pipeline.stages.stage import StageContext


def work(context: StageContext) -> str:
    """Transactions to features.parquet, its specification and the encoder; one line on what came out."""
    from pipeline.stages.features.make_features import make_features

    return make_features(context)
