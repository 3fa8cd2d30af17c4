"""The seven stages in order: what each reads, and which configuration its output depends on."""

from pipeline.stages import calibrate, evaluate, export, features, ingest, refit, train
from pipeline.stages.stage import Stage

STAGES = (
    Stage(
        "ingest",
        ingest.work,
        reads=(),
        sections=("data", "labels.delay", "labels.opinions"),
        outside=ingest.outside_inputs,
        check=ingest.check,
    ),
    Stage(
        "features",
        features.work,
        reads=("ingest",),
        sections=("labels", "split", "features", "evaluation.protected"),
        outside=features.outside_inputs,
    ),
    Stage(
        "train",
        train.work,
        reads=("features",),
        sections=("sweep", "train", "boosting", "ablation", "calibration", "selection", "evaluation.bins"),
    ),
    Stage(
        "calibrate",
        calibrate.work,
        reads=("features", "train"),
        sections=("calibration", "evaluation.bins"),
    ),
    Stage(
        "evaluate",
        evaluate.work,
        reads=("ingest", "features", "train", "calibrate"),
        sections=(
            "evaluation",
            "decision",
            "gate",
            "drift",
            "export.candidate",
            "export.sign_key_env",
            "calibration",
            "selection",
            "sweep",
            "train",
            "labels.approval_cap",
        ),
        sees_test_labels=True,
        meets_champion=True,
    ),
    Stage(
        "refit",
        refit.work,
        reads=("ingest", "features", "train", "calibrate", "evaluate"),
        sections=(
            "refit",
            "labels",
            "features.encoding",
            "sweep.recheck_epochs",
            "train",
            "boosting",
            "calibration",
            "evaluation",
            "decision",
            "gate",
            "export.candidate",
            "export.sign_key_env",
        ),
        sees_test_labels=True,
        meets_champion=True,
    ),
    Stage(
        "export",
        export.work,
        reads=("ingest", "features", "train", "calibrate", "evaluate", "refit"),
        sections=(
            "export",
            "calibration",
            "labels",
            "data.categorical",
            "data.numeric",
            "data.hash_key_env",
            "data.max_quarantined_share",
            "data.max_lost_fraud_share",
            "data.max_silence",
        ),
        check=export.check,
    ),
)

__all__ = ["STAGES"]
