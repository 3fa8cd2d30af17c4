"""How raw rows are read that a state shall go on with: as those were read of which it was made."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from features.split import LabelsConfig
from pipeline.config import Config
from pipeline.sections import DataConfig
from pipeline.state.state_files import PRESET, StateFolder
from pipeline.storage.errors import InputError

NOT_READING = {"source", "preset", "rows", "seed"}
"""Keys of [data] that say which rows are read, and not how."""


class Reading(BaseModel):
    """The sections that say how rows are read."""

    model_config = ConfigDict(frozen=True)

    data: DataConfig
    labels: LabelsConfig


def reading_of(config: Config) -> dict[str, Any]:
    """What a state's manifest says of it."""
    return {
        "data": config.data.model_dump(mode="json", exclude=NOT_READING),
        "labels": config.labels.model_dump(mode="json"),
    }


def kept_reading(state: StateFolder, sources: tuple[str, ...]) -> Reading:
    """How the rows of some sources are read, as those of a state were.

    Raises:
        InputError: the manifest does not say it.
    """
    try:
        given = dict(state.manifest["reading"])
        data = {**given["data"], "source": sources, "preset": str(state.folder / PRESET / "preset.toml")}
        return Reading.model_validate({"data": data, "labels": given["labels"]})
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise InputError(f"{state.folder}: the manifest must say how rows are read: {type(error).__name__}") from None
