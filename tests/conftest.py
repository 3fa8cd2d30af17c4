"""What many tests need: one small run of all seven stages, made once; its judged model ships."""

import os
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from pathlib import Path

import pytest

SMALL = (
    "data.rows=24000",
    "train.epochs=1",
    "train.threads=1",
    "boosting.rounds=20",
    "boosting.embedding='logit'",
    "sweep.smoothing=[0.0, 0.1]",
    "sweep.class_weight=['none', 'balanced']",
    "evaluation.resamples=100",
    "evaluation.slice_resamples=100",
    "gate.min_frauds=10",
    "refit.enabled=false",
)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory) -> Path:
    """A finished run folder on 24,000 simulated rows; tests read it and leave it as it is."""
    from pipeline.config import load_config
    from pipeline.process.reporter import SilentReporter
    from pipeline.run import run_stages
    from pipeline.runs.settings import RunSettings
    from pipeline.stages import STAGES

    folder = tmp_path_factory.mktemp("runs") / "small"
    settings = RunSettings(load_config("smoke.toml", assignments=SMALL, environment={}), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning of SQLAlchemy raised inside MLflow would break it for the session
        run_stages(folder, settings, STAGES, force=None, reporter=SilentReporter())
    return folder
