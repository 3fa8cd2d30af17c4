"""Signs that a column knows the answer: it is there for one class alone, or a few of its values hold the frauds."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns

ONE_SIDED = 0.95
"""A column that is filled for so much more of one class than of the other knows the answer."""
FEWEST_FRAUDS = 10
PURE, MOST_FRAUDS = 0.9, 0.8
"""Values of which so large a share is fraud, and that hold so many of the frauds, know the answer."""


@dataclass(frozen=True)
class Outcomes:
    """Which rows of a sample are fraud and which are legitimate, as Arrow truth values [N]."""

    fraud: pa.Array
    legitimate: pa.Array

    @property
    def frauds(self) -> int:
        """How many frauds there are."""
        return int(pc.sum(self.fraud).as_py() or 0)


def outcomes(seen: SeenColumns, label: LabelChoice) -> Outcomes:
    """What the label says of each row."""
    text = seen.named(label.column).text
    return Outcomes(*(pc.is_in(text, pa.array(words, pa.string())) for words in (label.yes, label.no)))


def is_one_sided(column: SeenColumn, known: Outcomes) -> bool:
    """Whether a column is filled for nearly all rows of one class and hardly any of the other."""
    filled = [pc.is_valid(column.text.filter(rows)) for rows in (known.fraud, known.legitimate)]
    if min(len(each) for each in filled) < FEWEST_FRAUDS:
        return False
    fraud, legitimate = (pc.mean(pc.cast(each, pa.float64())).as_py() for each in filled)
    return bool(abs(fraud - legitimate) >= ONE_SIDED)


def tells_frauds(column: SeenColumn, known: Outcomes) -> bool:
    """Whether a few of its values hold most frauds and hardly anything else, as what became of a payment does."""
    if not column.values or known.frauds < FEWEST_FRAUDS:
        return False
    held = [_held(column, value, known) for value in column.values]
    return sum(frauds for frauds, rows in held if frauds >= PURE * rows) >= MOST_FRAUDS * known.frauds


def _held(column: SeenColumn, value: str, known: Outcomes) -> tuple[int, int]:
    """Frauds and rows of one value."""
    rows = pc.fill_null(pc.equal(column.text, value), False)
    return int(pc.sum(pc.and_(rows, known.fraud)).as_py() or 0), int(pc.sum(rows).as_py() or 0)
