"""What networks and boosters are fitted on: two folds whose labels are known, and what was fixed before the fit."""

from dataclasses import dataclass, replace

from models.network import Architecture
from models.rows import RowArrays, Rows, fraud_rate, labelled_rows, taken_rows


@dataclass(frozen=True)
class FixedLength:
    """Where fits end that valid has no say in.

    Attributes:
        epochs: after which each setting's network is kept, on the schedule of all epochs [S].
        rounds: trees of a booster.
    """

    epochs: tuple[int, ...]
    rounds: int


@dataclass(frozen=True)
class Task:
    """The data of a fit.

    Attributes:
        train: rows to learn from, all labels known.
        valid: rows to stop by, all labels known.
        architecture: of every network.
        prevalence: fraud rate π of train, which scales the class weights.
        length: where fits end; None lets valid choose it.
    """

    train: RowArrays
    valid: RowArrays
    architecture: Architecture
    prevalence: float
    length: FixedLength | None = None

    def up_to(self, time: int) -> "Task":
        """The same with the rows of train up to a time (microseconds since the epoch) and the fraud rate of those.

        Raises:
            InputError: they lack a class.
        """
        earlier = taken_rows(self.train, self.train.time <= time)
        labelled = labelled_rows(earlier, name="the earlier part of train")
        return replace(self, train=labelled, prevalence=fraud_rate(labelled))


def labelled_task(train: Rows, valid: Rows, *, architecture: Architecture) -> Task:
    """The rows of both folds that a fit may learn from and stop by, in their order.

    Raises:
        InputError: a fold without both classes, or with a label that is neither 0 nor 1.
    """
    learned, judged = labelled_rows(train, name="train"), labelled_rows(valid, name="valid")
    return Task(learned, judged, architecture, fraud_rate(learned))
