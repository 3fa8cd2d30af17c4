"""What this folder refuses: a table, preset or setting of the caller that must be changed, not tried again."""

from collections.abc import Sequence


class InputError(ValueError):
    """A caller's data or configuration cannot become features as it is."""


def faults_text(faults: Sequence[str], where: str) -> str:
    """All faults of one thing in one message: counted, then a line each.

    >>> print(faults_text(["amount: must be a number", "label: is missing"], "the preset"))
    2 faults in the preset
      amount: must be a number
      label: is missing
    """
    return "\n  ".join([f"{len(faults)} fault{'s' * (len(faults) > 1)} in {where}", *faults])
