"""What a run was asked for, and the config.json that says so."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config, parse_config
from pipeline.reading.lake_tables import pinned_source
from pipeline.stages.fingerprint import library_versions
from pipeline.storage.content import read_json
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class RunSettings:
    """What a run was asked for: its resolved configuration and the moment it may know (µs since 1970, or None)."""

    config: Config
    as_of: int | None


def kept_in(settings: RunSettings, store: str) -> RunSettings:
    """The same settings, the run kept in another store too; an empty one leaves them as they are."""
    if not store:
        return settings
    runs = settings.config.runs.model_copy(update={"store": store})
    return RunSettings(settings.config.model_copy(update={"runs": runs}), settings.as_of)


def pinned_settings(settings: RunSettings) -> RunSettings:
    """The same settings, every table among the sources with the version that it has now; files stay as they are.

    Whoever reads them later reads that version, whatever was written to the table meanwhile.

    Raises:
        InputError: there is no such table or version, or the library for it is not installed.
        StoreError: its store or catalog cannot be reached.
    """
    data = settings.config.data
    source = pinned_source(data.source)
    if source == data.source:
        return settings
    pinned = settings.config.model_copy(update={"data": data.model_copy(update={"source": source})})
    return RunSettings(pinned, settings.as_of)


def resolved_settings(settings: RunSettings) -> dict[str, object]:
    """The content of config.json: configuration, as-of time, seeds and versions; the same for the same run."""
    config = settings.config
    return {
        "as_of": settings.as_of,
        "seeds": {"data": config.data.seed, "train": config.train.seed},
        "versions": library_versions(),
        "config": config.model_dump(mode="json"),
    }


def read_settings(run: Path) -> RunSettings:
    """The settings a run folder was made with.

    Raises:
        InputError: the folder holds no readable config.json, or one with keys that are not known: each by name.
    """
    path = run / "config.json"
    if not path.is_file():
        raise InputError(f"{run} must be a run folder, but it holds no config.json")
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        raise InputError(f"{path} must hold a run's settings, but it does not: 'config' must be an object")
    if "as_of" not in content or not isinstance(content["as_of"], int | None):
        raise InputError(f"{path} must hold a run's settings, but it does not: 'as_of' must be an integer or null")
    return RunSettings(parse_config(content["config"], origin=str(path)), content["as_of"])
