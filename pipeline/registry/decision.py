"""What a promotion comes to, decided from what is in production, what the gate said and what the ledger knows."""

from collections.abc import Iterable
from enum import Enum

from pipeline.registry.ledger import Promotion


class Decision(Enum):
    """What a promotion comes to."""

    ALREADY_CHAMPION = "already champion"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    PROMOTED = "promoted"


def decision(before: str | None, version: str, *, passed: bool, lines: Iterable[Promotion], began: int) -> Decision:
    """Whether a registered version becomes champion.

    Args:
        before: the version that is champion, None for none.
        version: the one to promote.
        passed: whether its gate passed.
        lines: the ledger's lines on the model.
        began: when the caller set out, in microseconds since 1970. What changed hands since then was not weighed by
            this promotion's gate, so the other job wins.
    """
    if before == version:
        return Decision.ALREADY_CHAMPION
    if not passed:
        return Decision.REFUSED
    if any(line.time > began and line.action in ("promote", "rollback") for line in lines):
        return Decision.OVERTAKEN
    return Decision.PROMOTED
