"""The configuration reference, generated from the models; `python -m pipeline.reference README.md` renews it there."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from pipeline.config import Config
from pipeline.files import write_text

BEGIN, END = "<!-- configuration: generated -->", "<!-- /configuration -->"


def configuration_reference() -> str:
    """Markdown: a table per section with every key, its default and what it means."""
    defaults = Config().model_dump(mode="json")
    parts = []
    for name, field in Config.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        rows = "\n".join(_rows(section, defaults[name], prefix=""))
        parts.append(f"**[{name}]** {_first_sentence(section)}\n\n| key | default | |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts)


def with_reference(text: str) -> str:
    """A document with the reference renewed between its two markers.

    Raises:
        ValueError: the document lacks a marker.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"the document must hold {BEGIN} and {END}")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{configuration_reference()}\n\n{END}{rest.partition(END)[2]}"


def _rows(section: type[BaseModel], defaults: dict[str, object], *, prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        default = defaults[name]
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert isinstance(default, dict)
            yield from _rows(field.annotation, default, prefix=f"{prefix}{name}.")
        else:
            shown = "unset" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
            yield f"| `{prefix}{name}` | {shown} | {(field.description or '').replace('|', '∣')} |"


def _first_sentence(section: type[BaseModel]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), with_reference(Path(sys.argv[1]).read_text(encoding="utf-8")))
