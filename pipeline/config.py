"""The configuration of a run: every section's model composed, unknown keys refused, all faults said at once."""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from evaluation.options import DecisionConfig, DriftConfig, EvaluationConfig, GateConfig, SelectionConfig
from features.split import LabelsConfig, SplitConfig
from features.windows.feature_options import FeaturesConfig
from models.options import BoostingConfig, CalibrationConfig, SweepConfig, TrainConfig
from pipeline.sections import (
    AblationConfig,
    DataConfig,
    ExportConfig,
    RefitConfig,
    RegistryConfig,
    RunsConfig,
    TrackingConfig,
)
from pipeline.storage.addresses import without_passwords
from pipeline.storage.errors import InputError, faults_text

ENVIRONMENT_PREFIX = "HARBOR_"
MOVED = {
    "evaluation.alert_cost": "decision.alert_cost",
    "export.alert_cost": "decision.alert_cost",
    "export.alert_budget": "decision.alert_budget",
    "export.precision_floor": "decision.precision_floor",
}
"""Keys of earlier releases and where they stand now."""


class Config(BaseModel):
    """Everything a run can be told. A file gives only what differs from these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataConfig = Field(default_factory=DataConfig)
    labels: LabelsConfig = Field(default_factory=LabelsConfig)
    split: SplitConfig = Field(default_factory=SplitConfig)
    features: FeaturesConfig = Field(default_factory=FeaturesConfig)
    sweep: SweepConfig = Field(default_factory=SweepConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
    boosting: BoostingConfig = Field(default_factory=BoostingConfig)
    ablation: AblationConfig = Field(default_factory=AblationConfig)
    calibration: CalibrationConfig = Field(default_factory=CalibrationConfig)
    selection: SelectionConfig = Field(default_factory=SelectionConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    decision: DecisionConfig = Field(default_factory=DecisionConfig)
    gate: GateConfig = Field(default_factory=GateConfig)
    drift: DriftConfig = Field(default_factory=DriftConfig)
    refit: RefitConfig = Field(default_factory=RefitConfig)
    export: ExportConfig = Field(default_factory=ExportConfig)
    runs: RunsConfig = Field(default_factory=RunsConfig)
    tracking: TrackingConfig = Field(default_factory=TrackingConfig)
    registry: RegistryConfig = Field(default_factory=RegistryConfig)


def load_config(
    file: str | None,
    *,
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a file, overridden by the environment, overridden by `a.b=value` assignments.

    Args:
        file: path of a TOML file, or the name of one that Harbor ships ("harbor.toml"); None for defaults alone.
        assignments: "section.key=value"; the value is TOML, and text that is not TOML stands for itself.
        environment: variables such as HARBOR_TRAIN__EPOCHS=3; None for the process's own.

    Raises:
        InputError: the file is missing or not TOML, or keys or values are wrong: every fault, by name.
    """
    tree = _read_toml(config_path(file)) if file is not None else {}
    _override(tree, assignments, os.environ if environment is None else environment)
    return parse_config(tree, origin=file or "the configuration")


def override_config(
    config: Config, assignments: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Config:
    """A configuration overridden by the environment and by assignments, as `load_config` does.

    Raises:
        InputError: as `load_config`.
    """
    tree = config.model_dump(mode="json")
    _override(tree, assignments, os.environ if environment is None else environment)
    return parse_config(tree, origin="the run's configuration")


def parse_config(tree: Mapping[str, Any], *, origin: str) -> Config:
    """A validated configuration.

    Raises:
        InputError: every unknown key and impossible value at once.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise InputError(faults_text([_fault(each) for each in error.errors(include_url=False)], origin)) from None


def config_path(file: str) -> Path:
    """The file itself where it exists, else the shipped configuration of that name.

    Raises:
        InputError: there is neither.
    """
    path = Path(file)
    if path.is_file():
        return path
    shipped = Path(str(resources.files("pipeline") / "configs"))
    names = sorted(item.name for item in shipped.glob("*.toml"))
    for name in (file, f"{file}.toml"):
        if name in names:
            return shipped / name
    raise InputError(f"configuration must be a TOML file or one of {', '.join(names)}, got {file!r}, which is neither")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} must be TOML, but it cannot be read as such: {error}") from error


def _override(tree: dict[str, Any], assignments: Sequence[str], environment: Mapping[str, str]) -> None:
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            keys = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            _assign(tree, keys, environment[name], origin=name)
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        if not separator or not all(key.split(".")):
            raise InputError(f"--set must be section.key=value, got {assignment!r}")
        _assign(tree, key.strip().split("."), value, origin=f"--set {key}")


def _assign(tree: dict[str, Any], keys: Sequence[str], text: str, *, origin: str) -> None:
    node = tree
    for key in keys[:-1]:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise InputError(f"{origin}: {key!r} is a value, not a section")
        node = child
    node[keys[-1]] = _toml_value(text)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _fault(fault: ErrorDetails) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{key}: moved to {MOVED[key]}" if key in MOVED else f"{key}: unknown key{_suggestion(fault['loc'])}"
    message = f"{key}: {fault['msg'].removeprefix('Value error, ')}"
    # what a rule about a whole section refuses, it names itself
    return message if isinstance(fault["input"], dict) else f"{message}, got {without_passwords(repr(fault['input']))}"


def _suggestion(location: tuple[int | str, ...]) -> str:
    known: list[str] = list(Config.model_fields)
    if len(location) > 1 and str(location[0]) in Config.model_fields:
        section = Config.model_fields[str(location[0])].annotation
        known = list(section.model_fields) if isinstance(section, type) and issubclass(section, BaseModel) else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
