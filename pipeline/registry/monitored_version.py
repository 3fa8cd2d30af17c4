"""What outcomes showed of a version: an MLflow run of its own whose numbers stand under the version's model."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.registry.model_registry import opened_registry
from pipeline.tracking.mlflow_store import sqlite_file, store_uri

LOGGED = ("roc_auc", "average_precision", "log_loss", "brier", "brier_skill", "ece", "observed_expected")


def logged_or_why_not(
    report: Mapping[str, Any], files: Sequence[Path], config: Config, *, runs: Path, warn: Callable[[str], None]
) -> str:
    """What `log_judgement` says; a store that cannot be reached is a warning, for the verdict stands without it."""
    try:
        return log_judgement(report, files, config, runs=runs)
    except Exception as error:  # MLflow raises many kinds, and none of them may cost the verdict
        warn(f"the judgement was not logged to MLflow: {type(error).__name__}: {error}")
        return ""


def log_judgement(report: Mapping[str, Any], files: Sequence[Path], config: Config, *, runs: Path) -> str:
    """Log a judgement under the version that was registered from its bundle; the same one only once.

    Args:
        report: what `outcomes_judgement` returned.
        files: reports to keep beside the numbers.
        config: where the registry is.
        runs: the folder of runs, beside which the store lies where it is sqlite.

    Returns:
        What was done, in words; "" where there is no store to log to.
    """
    store = sqlite_file(store_uri(config.tracking, runs=runs))
    if not config.tracking.enabled or (store is not None and not store.is_file()):
        return ""
    manifest = str(report["bundle"]["manifest"])
    with opened_registry(config.tracking, name=config.registry.name, runs=runs) as registry:
        version = registry.with_manifest(manifest)
        if version is None:
            return f"no version of {registry.name} was registered from this bundle: nothing is logged"
        registry.log_outcomes(
            version,
            digest=str(report["outcomes"]["sha256"]),
            metrics=judgement_metrics(report),
            verdict="passed" if report["monitoring"]["passed"] else "alarm",
            files=files,
            time_ms=time.time_ns() // 1_000_000,
        )
        return f"logged under version {version.number} of {registry.name}"


def judgement_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The numbers by the name they have in MLflow, those that are defined."""
    found, numbers = report["metrics"], report["monitoring"]["numbers"]
    values = {
        **{f"outcomes_{name}": found[name]["value"] for name in LOGGED if name in found},
        "outcomes_log_loss_expected": numbers["log_loss"]["expected"],
        "outcomes_known_share": numbers["known_share"],
        "outcomes_largest_stability": numbers["largest_stability"],
        "outcomes_alarms": float(len(report["monitoring"]["reasons"])),
        "outcomes_rows": float(report["population"]["rows"]),
        "outcomes_frauds": float(report["population"]["frauds"]),
    }
    return {name: float(value) for name, value in values.items() if value is not None}
