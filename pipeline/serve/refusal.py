"""What the service does not take: a status, the fields that are wrong, and why; never a value."""

from collections.abc import Sequence

import orjson

from pipeline.storage.masking import masked

LONGEST_NAME = 64
FIELDS_SHOWN = 8
"""Faults that an answer names; the rest are counted."""


class RefusalError(Exception):
    """A request that is answered with a fault of its sender, or of the moment; nothing of it has changed anything.

    Attributes:
        status: of HTTP.
        problem: one sentence.
        fields: where it is, by name.
    """

    def __init__(self, status: int, problem: str, *, fields: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.fields = tuple(fields)

    @property
    def body(self) -> bytes:
        """As it is answered."""
        return orjson.dumps({"error": self.problem, "fields": self.fields})


def refusal_of_fields(faults: Sequence[tuple[str, str]]) -> RefusalError:
    """The refusal of a row whose fields are wrong.

    Args:
        faults: field and what must hold, each.
    """
    shown = faults[:FIELDS_SHOWN]
    texts = [f"{shown_field(field)}: {problem}" for field, problem in shown]
    if len(shown) < len(faults):
        texts.append(f"and {len(faults) - len(shown)} more")
    return RefusalError(422, "; ".join(texts), fields=[shown_field(field) for field, _ in shown])


def shown_field(name: str) -> str:
    """A sender's name of a field as it can be answered: a name may be a card's number, or as long as a body."""
    short = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    return masked(short)
