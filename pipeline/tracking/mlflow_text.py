"""Text of others in MLflow: values its UI shows, names its store accepts, keys that its searches can quote."""

import re

from pipeline.storage.masking import masked
from pipeline.storage.visible_text import visible

FOREIGN_IN_NAME = re.compile(r"[^\w. :/-]", re.ASCII)
LONGEST_NAME = 250
"""What MLflow's stores take as the name of a tag, a parameter or a metric."""


def mlflow_text(text: str, longest: int) -> str:
    """A value as it is stored: masked, every character to be seen; line breaks stay, for descriptions have them."""
    return "\n".join(visible(line) for line in masked(text[: 2 * longest]).split("\n"))[:longest]


def mlflow_name(name: str) -> str:
    """A name that every store accepts.

    >>> mlflow_name("kept<b>/x")
    'kept_b_/x'
    """
    plain = FOREIGN_IN_NAME.sub("_", name)[:LONGEST_NAME]
    return "/".join(part if part.strip(". ") else "_" for part in plain.split("/"))


def quoted_value(value: str) -> str:
    """A value inside a search: in the quotes that it does not hold itself."""
    quote = '"' if "'" in value else "'"
    return f"{quote}{value.replace(quote, '')}{quote}"
