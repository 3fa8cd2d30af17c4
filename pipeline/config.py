"""The configuration of a run: every section's model composed, unknown keys refused, all faults said at once."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from evaluation.options import (
    DecisionConfig,
    DriftConfig,
    EvaluationConfig,
    GateConfig,
    MonitoringConfig,
    SelectionConfig,
)
from features.split import LabelsConfig, SplitConfig
from features.suggestions import did_you_mean, known_keys
from features.times import FROM_OUTSIDE
from features.windows.feature_options import FeaturesConfig
from features.windows.plugins import load_plugins
from models.options import BoostingConfig, CalibrationConfig, SweepConfig, TrainConfig
from pipeline.sections import (
    AblationConfig,
    DataConfig,
    ExportConfig,
    NotifyConfig,
    RefitConfig,
    RegistryConfig,
    RunsConfig,
    ServeConfig,
    TrackingConfig,
)
from pipeline.storage.addresses import user_path
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.masking import masked

ENVIRONMENT_PREFIX = "HARBOR_"
DEFAULTS, OVERRIDDEN = "the configuration", "the run's configuration"
"""What a message calls settings that stand in no file of the user's."""
MOVED = {
    "evaluation.alert_cost": "decision.alert_cost",
    "export.alert_cost": "decision.alert_cost",
    "export.alert_budget": "decision.alert_budget",
    "export.precision_floor": "decision.precision_floor",
}
"""Keys of earlier releases and where they stand now."""


class Config(BaseModel):
    """Everything a run can be told. A file gives only what differs from these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

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
    monitoring: MonitoringConfig = Field(default_factory=MonitoringConfig)
    refit: RefitConfig = Field(default_factory=RefitConfig)
    export: ExportConfig = Field(default_factory=ExportConfig)
    runs: RunsConfig = Field(default_factory=RunsConfig)
    tracking: TrackingConfig = Field(default_factory=TrackingConfig)
    registry: RegistryConfig = Field(default_factory=RegistryConfig)
    notify: NotifyConfig = Field(default_factory=NotifyConfig)
    serve: ServeConfig = Field(default_factory=ServeConfig)


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
    overrides = _override(tree, assignments, os.environ if environment is None else environment)
    beside = [config_path(file).parent] if file is not None else []
    return parse_config(tree, origin=file or DEFAULTS, overrides=overrides, beside=beside)


def override_config(
    config: Config, assignments: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Config:
    """A configuration overridden by the environment and by assignments, as `load_config` does.

    Raises:
        InputError: as `load_config`.
    """
    tree = config.model_dump(mode="json")
    overrides = _override(tree, assignments, os.environ if environment is None else environment)
    return parse_config(tree, origin=OVERRIDDEN, overrides=overrides)


@dataclass(frozen=True)
class Override:
    """A key that did not come from the file: its parts, and what gave it, such as `--set` or a variable's name."""

    keys: tuple[str, ...]
    giver: str

    def concerns(self, fault: ErrorDetails) -> bool:
        """Whether a fault is its own: at its key or within its value, or of its section and about its key."""
        location = tuple(map(str, fault["loc"]))
        shared = min(len(self.keys), len(location))
        if location[:shared] != self.keys[:shared]:
            return False
        return shared == len(self.keys) or fault["type"] == "extra_forbidden" or self.keys[shared] in fault["msg"]


def parse_config(
    tree: Mapping[str, Any], *, origin: str, overrides: Sequence[Override] = (), beside: Sequence[Path] = ()
) -> Config:
    """A validated configuration; the plugins that it names are loaded, for its aggregates may be theirs.

    Args:
        tree: sections, keys and values, as a person wrote them.
        origin: what they stand in, as the message says where they are at fault.
        overrides: keys that stand elsewhere: a fault of one is told with what gave it.
        beside: folders in which plugins are looked for after the working directory.

    Raises:
        InputError: every unknown key and impossible value at once; a plugin that cannot be loaded.
    """
    load_plugins(_plugin_names(tree), [Path(), *beside])
    try:
        return Config.model_validate(tree, context={FROM_OUTSIDE: True})
    except ValidationError as error:
        found = [(each, _giver(each, overrides)) for each in error.errors(include_url=False)]
        lines = [f"{giver} {_fault(each)}" if giver else _fault(each) for each, giver in found]
        givers = dict.fromkeys(sorted(giver for _, giver in found))
        blamed = [giver or origin for giver in givers] if origin != DEFAULTS else [origin]
        raise InputError(faults_text(lines, " and ".join(blamed))) from None


def config_path(file: str) -> Path:
    """The file itself where it exists, else the shipped configuration of that name.

    Raises:
        InputError: there is neither.
    """
    path = user_path(file)
    if path.is_file():
        return path
    shipped = Path(str(resources.files("pipeline") / "configs"))
    names = sorted(item.name for item in shipped.glob("*.toml"))
    for name in (file, f"{file}.toml"):
        if name in names:
            return shipped / name
    beside = [str(path.with_name(each.name)) for each in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    raise InputError(
        f"configuration must be a TOML file or one of {', '.join(names)}, got {file!r}, which is neither"
        f"{did_you_mean(file, [*beside, *names])}"
    )


def _plugin_names(tree: Mapping[str, Any]) -> list[str]:
    """The modules of `features.plugins`; none where it holds something else, which validation tells."""
    section = tree.get("features")
    names = section.get("plugins", ()) if isinstance(section, Mapping) else ()
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise InputError(f"{path} must have at most {LARGEST_FILE:,} bytes, got more")
        return tomllib.loads(content.decode())
    except RecursionError:
        raise InputError(f"{path} must be TOML, but it is nested too deeply") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} must be TOML, but it cannot be read as such: {error}") from error


def _override(tree: dict[str, Any], assignments: Sequence[str], environment: Mapping[str, str]) -> tuple[Override, ...]:
    """The tree changed in place by variables, then by assignments; what each of them gave."""
    overrides = []
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            keys = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            _assign(tree, keys, environment[name], origin=name)
            overrides.append(Override(tuple(keys), name))
        elif name.startswith(ENVIRONMENT_PREFIX) and (meant := _meant(name.removeprefix(ENVIRONMENT_PREFIX))):
            raise InputError(f"{name}: two underscores must part section and key; did you mean {meant!r}?")
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        keys = [part.strip() for part in key.split(".")]
        if not separator or not all(keys):
            raise InputError(f"--set must be section.key=value, got {assignment!r}")
        _assign(tree, keys, value, origin=f"--set {key.strip()}")
        overrides.append(Override(tuple(keys), "--set"))
    return tuple(overrides)


def _meant(name: str) -> str:
    """The variable that a name with one underscore would set with two; empty where it would set nothing."""
    lower = name.lower()
    for section in Config.model_fields:
        key = lower.removeprefix(f"{section}_")
        if key != lower and key in known_keys(Config, (section, key)):
            return f"{ENVIRONMENT_PREFIX}{section}__{key}".upper()
    return ""


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
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _giver(fault: ErrorDetails, overrides: Sequence[Override]) -> str:
    """What gave a value that is at fault, where that was not the file."""
    return next((each.giver for each in reversed(overrides) if each.concerns(fault)), "")


LARGEST_FILE = 1 << 20
"""Bytes of a configuration; real ones have some hundreds."""
UNSHOWN = ("data.source", "data.hash_key_env", "export.sign_key_env", "runs.store", "tracking.uri")
"""Keys whose value is never quoted: where somebody may have put a secret."""


def _fault(fault: ErrorDetails) -> str:
    location = fault["loc"]
    key = ".".join(str(part) for part in location)
    if fault["type"] == "extra_forbidden":
        return f"{key}: moved to {MOVED[key]}" if key in MOVED else f"{key}: unknown key{_suggestion(location)}"
    message = f"{key}: {fault['msg'].removeprefix('Value error, ')}"
    if key.startswith(UNSHOWN):
        return message
    # what a rule about a whole section refuses, it names itself
    if isinstance(fault["input"], dict) or ", got " in message:
        return message
    choices = re.findall(r"'([^']*)'", str(fault.get("ctx", {}).get("expected", "")))
    return f"{message}, got {masked(repr(fault['input']))[:200]}{did_you_mean(str(fault['input']), choices)}"


def _suggestion(location: Sequence[int | str]) -> str:
    """The nearest key of the same section; of a key without its section, the sections that have one of that name."""
    homes = [home for home in _all_keys() if home.rpartition(".")[2] == location[0]] if len(location) == 1 else []
    if homes:
        return f"; did you mean {' or '.join(map(repr, homes))}?"
    return did_you_mean(str(location[-1]), known_keys(Config, location))


def _all_keys() -> Iterator[str]:
    for section in Config.model_fields:
        yield from (f"{section}.{key}" for key in known_keys(Config, (section, "")))
