"""The reports that stages leave for one another: typed in the program, plain JSON in the run folder.

What a report holds is declared once, by the fields of a frozen dataclass; reading checks a file against them.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter, ValidationError

from features.times import time_microseconds, time_text
from pipeline.storage.content import json_ready
from pipeline.storage.errors import InputError, faults_text


def _microseconds(text: object) -> int:
    if not isinstance(text, str):
        raise ValueError("must be an ISO 8601 time")
    return time_microseconds(text)


def _offset_text(microseconds: int) -> str:
    return time_text(microseconds).replace("Z", "+00:00")


Time = Annotated[int, BeforeValidator(_microseconds), PlainSerializer(time_text)]
"""Microseconds since 1970, written as 2024-05-01T06:00:00Z."""
OffsetTime = Annotated[int, BeforeValidator(_microseconds), PlainSerializer(_offset_text)]
"""Microseconds since 1970, written as 2024-05-01T06:00:00+00:00."""


class ReadReport:
    """A frozen dataclass that is read from a JSON file; keys that it does not declare are passed over."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """The report in a file.

        Raises:
            InputError: the file cannot be read, or keys are missing or of the wrong type: every fault, by name.
        """
        try:
            # Strict, or the text "7" would pass for a number; as JSON, so that a list may still become a tuple.
            report: Self = TypeAdapter(cls).validate_json(path.read_bytes(), strict=True)
        except OSError as error:
            raise InputError(f"{path} must be a report, but it cannot be read: {error}") from error
        except ValidationError as error:
            raise InputError(_faults(path, error)) from None
        return report


class WrittenReport(ReadReport):
    """A report that this program also writes."""

    def to_dict(self) -> dict[str, Any]:
        """What the file holds, in the order of the file: plain JSON types."""
        content: dict[str, Any] = json_ready(TypeAdapter(type(self)).dump_python(self, by_alias=True))
        return content


def _faults(path: Path, error: ValidationError) -> str:
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False)
    ]
    return faults_text(faults, str(path))
