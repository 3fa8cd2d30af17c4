"""What is said of one transaction while it is served, and what a log says of it later."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.online.state import Outcome
from features.windows.kernels import Float32


@dataclass(frozen=True)
class LiveFeatures:
    """One transaction with its features.

    Attributes:
        outcome: what became of it.
        numbers: numeric columns of the specification, float32 [1, F], NaN where missing.
        texts: categorical columns, str [1, 1], "" where missing.
        late: microseconds behind the newest event, 0 where in time.
        words: the event, as the log keeps it.
        row: transaction_id and the values that stand in the row itself, as the log keeps them.
        answers: columns of entities in the order of the state's plan, as the log keeps them.
    """

    outcome: Outcome
    numbers: Float32
    texts: Mapping[str, NDArray[Any]]
    late: int
    words: NDArray[np.int64]
    row: Mapping[str, Any]
    answers: Float32


@dataclass(frozen=True)
class StoredEvent:
    """A transaction as the log has it.

    Attributes:
        offset: where it stands.
        answer: the bytes that the caller got; b"" where it was counted and not scored.
        features: all columns by name, None where missing.
        label: 0, 1, or None where none is known now.
        label_available_at: microseconds since 1970; None without a label.
        model: what the note says that names the bundle which answered; None where none did.
        outcome: what became of the transaction.
    """

    offset: int
    answer: bytes
    features: Mapping[str, float | str | None]
    label: int | None
    label_available_at: int | None
    model: Mapping[str, Any] | None
    outcome: Outcome


class LabelTaken(IntEnum):
    """What became of a label."""

    FOUND = 1
    """Windows know it from now on, and it is in the log."""
    UNKNOWN = 2
    """Nobody knows the transaction, and its ids were not given: nothing changed."""
    UNCHANGED = 3
    """The transaction has this label already: nothing changed."""
    TOO_EARLY = 4
    """It would have been known before the transaction: nothing changed."""
