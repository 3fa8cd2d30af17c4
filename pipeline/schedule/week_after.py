"""What would have been in production in the week after each past date, and how it did there.

A test fold lies before its date, and is what the gate judges by. What an issuer lives with is the week that follows, on
which every label has come by the time of the backtest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from evaluation.model_age import backtest_statistics
from features.times import DAY, time_text
from pipeline.config import Config
from pipeline.process.hardware import cpu_threads
from pipeline.schedule.shared_windows import SharedRun
from pipeline.stages.artifacts.candidates import Calibration, Models, calibrated_probabilities, raw_scores
from pipeline.stages.artifacts.model_files import load_calibration, load_models, load_saved_models
from pipeline.stages.artifacts.refit_report import read_refit
from pipeline.storage.content import read_json, read_table

ARMS = ("never retrained", "judged", "refit")
"""The first model for ever, the judged model of the run in production, and what that run ships."""
WEEK = 7 * DAY
MEANS = ("average_precision", "brier_skill", "log_loss", "ece", "observed_expected")


@dataclass(frozen=True)
class Production:
    """Which runs are asked: the first one, and the newest one that was promoted, or this date's where none was yet."""

    first: Path
    current: Path


def week_after(date: int, production: Production, shared: SharedRun, config: Config) -> dict[str, Any] | None:
    """Statistics of every arm on the week after a date; None where its known rows lack a class.

    Args:
        date: microseconds since 1970.
        production: the runs whose models are asked.
        shared: windows and labels of the whole file.
        config: of every date.
    """
    labels = read_table(shared.transactions, columns=["event_time", "label"])
    time = labels["event_time"].cast("int64").to_numpy()
    first, last = (int(np.searchsorted(time, each, side="right")) for each in (date, date + WEEK))
    label = labels["label"].slice(first, last - first)
    known = pc.is_valid(label)
    y = label.filter(known).to_numpy().astype(np.float64)
    if not 0 < y.sum() < y.size:
        return None
    windows = read_table(shared.windows).slice(first, last - first).filter(known)
    names = {"never retrained": (production.first, False), "judged": (production.current, False)}
    asked = {**names, "refit": (production.current, read_refit(production.current / "refit").refitted)}
    threads = cpu_threads(config.train.threads)
    return {
        "from": time_text(date),
        "to": time_text(date + WEEK),
        "rows": int(y.size),
        "frauds": int(y.sum()),
        "ships": read_refit(production.current / "refit").ships,
        "models": {
            arm: backtest_statistics(y, _said(run, windows, config, refitted, threads), bins=config.evaluation.bins)
            for arm, (run, refitted) in asked.items()
        },
    }


def week_means(weeks: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The mean of each statistic over weeks, and of |ln(observed/expected)|, by arm."""
    return {arm: _means([week["models"][arm] for week in weeks]) for arm in ARMS} if weeks else {}


def _means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    means = {name: float(np.mean([each[name] for each in found])) for name in MEANS}
    levels = np.array([each["observed_expected"] for each in found])
    return means | {"log_observed_expected": float(np.abs(np.log(levels)).mean())}


def _said(run: Path, windows: Any, config: Config, refitted: bool, threads: int) -> np.ndarray:
    models, calibration = _model(run, config, refitted)
    scores = raw_scores(models, models.encoder.apply(windows), threads=threads)
    found: np.ndarray = calibrated_probabilities(calibration, scores.log_odds)[config.export.candidate]
    return found


def _model(run: Path, config: Config, refitted: bool) -> tuple[Models, Calibration]:
    floor = config.calibration.posterior_floor
    if not refitted:
        return load_models(run, posterior_floor=floor), load_calibration(run)
    calibration = Calibration.from_dict(read_json(run / "refit" / "calibrators.json"))
    return load_saved_models(run / "refit", posterior_floor=floor), calibration
