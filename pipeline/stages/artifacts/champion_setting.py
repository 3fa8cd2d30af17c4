"""The setting in use, and whether a new sweep still agrees with it."""

from pathlib import Path
from typing import get_args

from evaluation.report.recheck_section import SettingCheck, setting_check
from evaluation.selection import SweepRanking
from models.losses import LossSettings
from models.options import ClassWeight, SweepConfig, torch_smoothing
from models.sweep_settings import Setting
from pipeline.stages.artifacts.sweep_files import ranked_setting
from pipeline.storage.content import read_json


def champion_setting(run: Path, config: SweepConfig) -> Setting | None:
    """Smoothing and class weight of the champion that lies in a run folder, or None where there is none to speak of.

    Its ε is brought into the configuration's convention, so that it has its place among the configured ones. An ε
    that pulls towards the prior has none among those that pull towards 1/2, nor the other way round.
    """
    path = run / "champion" / "bundle" / "manifest.json"
    if not path.is_file():
        return None
    manifest = read_json(path)
    name, prior = manifest["class_weight"]["name"], manifest["smoothing"].get("prior")
    told = manifest["smoothing"]["epsilon"]
    if name not in get_args(ClassWeight) or (told > 0 and (prior is None) == (config.convention == "prior")):
        return None
    epsilon = told / torch_smoothing(1.0, config.convention)
    closest = min(config.smoothing, key=lambda value: abs(value - epsilon))
    smoothing = closest if abs(closest - epsilon) < 1e-9 else epsilon
    weighting = config.weighting if name == "none" else manifest["class_weight"]["weighting"]
    ratio = manifest["class_weight"]["ratio"]
    if config.convention != "prior":
        return Setting(name, LossSettings(smoothing, ratio, weighting, config.convention, config.gamma))
    # without smoothing there is no prior to speak of; whoever fits this setting anew takes that of its own train
    return Setting(name, LossSettings(smoothing, ratio, weighting, "prior", config.gamma, prior or 0.5))


def champion_check(run: Path, config: SweepConfig, *, ranking: SweepRanking) -> SettingCheck | None:
    """The champion's setting in a new sweep; None without a champion, or where the sweep did not try its setting."""
    chosen = champion_setting(run, config)
    if chosen is None:
        return None
    return setting_check(ranking, ranked_setting(chosen), margin=config.recheck_margin)
