"""What somebody may have meant by a name that is none."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as the end of a message; empty where none is near.

    >>> did_you_mean("merchnt", ["card", "merchant"]), did_you_mean("x", ["card"])
    ("; did you mean 'merchant'?", '')
    """
    spelled = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), list(spelled), n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else ""


def known_keys(model: type[BaseModel], location: Sequence[int | str]) -> tuple[str, ...]:
    """The keys that are known where a validation found an unknown one.

    Args:
        model: what was validated.
        location: of the unknown key: keys and places in lists, the unknown one last.
    """
    models: list[type[BaseModel]] = [model]
    for part in location[:-1]:
        fields = [each.model_fields[part] for each in models if isinstance(part, str) and part in each.model_fields]
        if fields:  # a place in a list, or a key of a table whose keys are the user's, leads to the same model
            models = [found for field in fields for found in _models_in(field.annotation)]
    return tuple(dict.fromkeys(name for each in models for name in each.model_fields))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
