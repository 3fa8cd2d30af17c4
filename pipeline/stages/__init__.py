"""The six stages in order: what each reads, and which configuration its output depends on."""

from pipeline.stages.calibrate import make_calibration
from pipeline.stages.evaluate.make_evaluation import make_evaluation
from pipeline.stages.export.make_bundle import make_bundle
from pipeline.stages.features import make_features
from pipeline.stages.ingest.make_transactions import make_transactions, outside_inputs
from pipeline.stages.stage import Stage
from pipeline.stages.train.make_models import make_models

STAGES = (
    Stage(
        "ingest",
        make_transactions,
        reads=(),
        sections=("data", "labels"),
        outside=outside_inputs,
    ),
    Stage(
        "features",
        make_features,
        reads=("ingest",),
        sections=("labels", "split", "features"),
    ),
    Stage(
        "train",
        make_models,
        reads=("features",),
        sections=("sweep", "train", "boosting", "ablation", "calibration", "selection", "evaluation.bins"),
    ),
    Stage(
        "calibrate",
        make_calibration,
        reads=("features", "train"),
        sections=("calibration", "evaluation.bins"),
    ),
    Stage(
        "evaluate",
        make_evaluation,
        reads=("ingest", "features", "train", "calibrate"),
        sections=("evaluation", "decision", "gate", "drift", "export", "calibration", "selection", "sweep", "train"),
        sees_test_labels=True,
        meets_champion=True,
    ),
    Stage(
        "export",
        make_bundle,
        reads=("ingest", "features", "train", "calibrate", "evaluate"),
        sections=("export", "calibration"),
    ),
)

__all__ = ["STAGES"]
