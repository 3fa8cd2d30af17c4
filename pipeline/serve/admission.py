"""How many requests may wait, and for how long: more are sent back before they cost much, late ones are not scored."""

import types
from collections.abc import Generator
from time import perf_counter

from pipeline.serve.refusal import RefusalError


class Admission:
    """Counts the requests that are under way.

    Attributes:
        under_way: how many there are.
        most: how many there may be.
        budget: seconds from a request's coming to its turn, after which its row is counted alone; None for any.
    """

    def __init__(self, most: int, budget: float | None) -> None:
        self.under_way = 0
        self.most = most
        self.budget = budget

    def enter(self) -> float:
        """Let a request in, and say when that was; `leave` must follow.

        Raises:
            RefusalError: 429, as many are under way as may be.
        """
        if self.under_way >= self.most:
            raise RefusalError(429, f"{self.most} requests are under way, and no more may be: try again")
        self.under_way += 1
        return perf_counter()

    def leave(self) -> None:
        """Let a request out."""
        self.under_way -= 1

    def is_late(self, came: float) -> bool:
        """Whether a request's turn comes too late for its row to be scored."""
        return self.budget is not None and perf_counter() - came > self.budget


@types.coroutine
def next_turn() -> Generator[None, None, None]:
    """Let all requests come in that have arrived, so that they are counted before the first of them is answered."""
    yield
