"""The setting in use, and whether a new sweep still agrees with it."""

from pathlib import Path
from typing import get_args

from evaluation.report.recheck_section import SettingCheck, setting_check
from evaluation.selection import SettingOutcome, SweepRanking
from evaluation.statistics.sample import Integers
from models.losses import LossSettings
from models.options import ClassWeight, SweepConfig, torch_smoothing
from models.rows import Float64s
from models.sweep_settings import Setting
from pipeline.stages.artifacts.sweep_files import ranked_setting
from pipeline.storage.content import read_json


def champion_setting(run: Path, config: SweepConfig) -> Setting | None:
    """Smoothing and class weight of the champion that lies in a run folder, or None without one.

    Its ε is brought into the configuration's convention, so that it has its place among the configured ones.
    """
    path = run / "champion" / "bundle" / "manifest.json"
    if not path.is_file():
        return None
    manifest = read_json(path)
    name = manifest["class_weight"]["name"]
    if name not in get_args(ClassWeight):
        return None
    epsilon = manifest["smoothing"]["epsilon"] / torch_smoothing(1.0, config.convention)
    closest = min(config.smoothing, key=lambda value: abs(value - epsilon))
    smoothing = closest if abs(closest - epsilon) < 1e-9 else epsilon
    weighting = config.weighting if name == "none" else manifest["class_weight"]["weighting"]
    loss = LossSettings(smoothing, manifest["class_weight"]["ratio"], weighting, config.convention, config.gamma)
    return Setting(name, loss)


def champion_check(
    run: Path,
    config: SweepConfig,
    *,
    labels: Float64s,
    event_time: Integers,
    outcomes: tuple[SettingOutcome, ...],
    ranking: SweepRanking,
    folds: int,
) -> SettingCheck | None:
    """The champion's setting in a new sweep; None without a champion, or where the sweep did not try its setting."""
    chosen = champion_setting(run, config)
    if chosen is None:
        return None
    return setting_check(
        labels,
        outcomes,
        ranking,
        ranked_setting(chosen),
        event_time=event_time,
        folds=folds,
        margin=config.recheck_margin,
    )
