"""Presets: column mappings that Harbor ships, or the user's own."""

import re
import tomllib
from importlib import resources
from pathlib import Path

from features.schema.preset import Preset, preset_from_dict
from features.suggestions import did_you_mean
from pipeline.sections import DataConfig
from pipeline.storage.addresses import user_path
from pipeline.storage.errors import INPUT_ERRORS, InputError


def preset_path(name_or_path: str) -> Path:
    """Where a preset's file lies: shipped under its name, or the user's own `.toml`.

    Raises:
        InputError: no such preset.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]*", name_or_path):
        for folder in _preset_folders():
            if (folder / f"{name_or_path}.toml").is_file():
                return folder / f"{name_or_path}.toml"
        known = sorted({path.stem for folder in _preset_folders() for path in folder.glob("*.toml")})
        raise InputError(
            f"data.preset must be one of {', '.join(known)} or the path of a .toml file, got {name_or_path!r}"
            f"{did_you_mean(name_or_path, known)}"
        )
    path = user_path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        raise InputError(
            f"data.preset must be a shipped name or the path of a .toml file that exists, got {name_or_path!r}"
        )
    return path


def load_preset(data: DataConfig) -> Preset:
    """The preset of section [data], with the user's own columns.

    Raises:
        InputError: no such preset, not TOML, or faults in it.
    """
    path = preset_path(data.preset)
    try:
        return preset_from_dict(
            tomllib.loads(path.read_text("utf-8")), categorical=data.categorical, numeric=data.numeric
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, *INPUT_ERRORS) as error:
        raise InputError(f"{path}: {error}") from error


def _preset_folders() -> tuple[Path, Path]:
    """In an installed wheel, and in a checkout."""
    package = Path(str(resources.files("pipeline")))
    return package / "presets", package.parent / "data" / "presets"
