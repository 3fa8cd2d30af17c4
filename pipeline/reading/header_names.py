"""Names in a header as a message may show them: a file without a header has values of its first row in their place."""

import re
from collections.abc import Sequence

from pipeline.storage.masking import masked

VALUE = re.compile(r"\s*([+-]?\d[\d.,\s]*([eE][+-]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|)\s*")
"""A number, a date, a time or nothing at all."""


def no_header(names: Sequence[str]) -> bool:
    """Whether names are values: a number, a date, or what is masked in a message."""
    return any(VALUE.fullmatch(name) or masked(name) != name for name in names)


def quoted_names(names: Sequence[str]) -> str:
    """Names of columns for a message."""
    return ", ".join(repr(masked(name)) for name in names)
