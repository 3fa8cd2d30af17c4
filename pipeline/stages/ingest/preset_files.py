"""Presets: column mappings that Harbor ships, or the user's own."""

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from features.schema.currencies import RateTable, rate_table
from features.schema.preset import Preset, preset_from_dict
from features.suggestions import did_you_mean
from pipeline.sections import DataConfig
from pipeline.storage.addresses import local_path, user_path
from pipeline.storage.atomic import write_bytes
from pipeline.storage.errors import INPUT_ERRORS, InputError

LARGEST_PRESET = 1 << 20
KEPT_RATES = "preset.kept-rates.csv"
"""The table of rates that a kept preset was read with, wherever the one that it names is by then."""
FIRST_DAY = -(10**6)
"""A rate without a date holds from before all transactions on."""


def preset_path(name_or_path: str) -> Path:
    """Where a preset's file lies: shipped under its name, or the user's own `.toml`.

    Raises:
        InputError: no such preset.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]*", name_or_path):
        for folder in _preset_folders():
            if (folder / f"{name_or_path}.toml").is_file():
                return folder / f"{name_or_path}.toml"
        known = shipped_presets()
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


def shipped_presets() -> list[str]:
    """Names of the presets that Harbor ships."""
    return sorted({path.stem for folder in _preset_folders() for path in folder.glob("*.toml")})


def load_preset(data: DataConfig) -> Preset:
    """The preset of section [data], with the user's own columns.

    Raises:
        InputError: no such preset, not TOML, or faults in it.
    """
    path = preset_path(data.preset)
    try:
        return preset_from_dict(_parsed(path), categorical=data.categorical, numeric=data.numeric)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, *INPUT_ERRORS) as error:
        raise InputError(f"{path}: {error}") from error


def rates_path(data: DataConfig, preset: Preset) -> Path | None:
    """Where the preset's table of rates lies: beside the preset, unless its path says otherwise, or one was kept."""
    if preset.currency is None or not preset.currency.rates:
        return None
    folder = preset_path(data.preset).parent
    kept = folder / KEPT_RATES
    return kept if kept.is_file() else folder / local_path(preset.currency.rates)


def load_rates(data: DataConfig, preset: Preset) -> RateTable | None:
    """The preset's table of rates; None where it names none.

    Raises:
        InputError: the file is not there, not CSV, or holds what cannot be a rate.
    """
    path = rates_path(data, preset)
    if path is None:
        return None
    text = pa.string()
    types = {"currency": text, "rate": pa.float64(), "date": pa.date32()}
    try:
        table = pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(column_types=types))
        if not {"currency", "rate"} <= set(table.column_names):
            raise InputError("must have the columns currency and rate, and may have date")
        currencies = table["currency"].combine_chunks()
        dated = "date" in table.column_names
        days = table["date"].cast(pa.int32()).to_numpy() if dated else np.full(table.num_rows, FIRST_DAY)
        return rate_table(currencies, days.astype(np.int64), table["rate"].fill_null(np.nan).to_numpy())
    except (pa.ArrowException, OSError, *INPUT_ERRORS) as error:
        why = str(error) if isinstance(error, INPUT_ERRORS) else "cannot be read as CSV of currency, rate and date"
        raise InputError(f"{path}: {why}") from None


def keep_preset(data: DataConfig, folder: Path) -> None:
    """Leave the preset of a run in a folder as `preset.toml`, its table of rates beside it.

    Rows that come later are read as these were, wherever the user's own files are by then.
    """
    write_bytes(folder / "preset.toml", preset_path(data.preset).read_bytes())
    rates = rates_path(data, load_preset(data))
    if rates is not None:
        write_bytes(folder / KEPT_RATES, rates.read_bytes())


def _parsed(path: Path) -> dict[str, Any]:
    if (size := path.stat().st_size) > LARGEST_PRESET:
        raise InputError(f"must have at most {LARGEST_PRESET:,} bytes, got {size:,}")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise InputError("is nested too deeply") from error


def _preset_folders() -> tuple[Path, Path]:
    """In an installed wheel, and in a checkout."""
    package = Path(str(resources.files("pipeline")))
    return package / "presets", package.parent / "data" / "presets"
