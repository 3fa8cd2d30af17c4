"""Values that stand for no value, or for another one: told from a sample, for nobody reads every id of a file."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

PLACEHOLDERS = frozenset(
    {"\\n", "null", "none", "nan", "na", "n/a", "nil", "unknown", "undefined", "missing", "-", "--", "?", "-1", "0"}
)
"""Words that databases, data frames and people write where there is no id, in lower case."""
PLACEHOLDER_SHARE = 0.005
OUTLANDISH_SHARE, OUTLANDISH_TIMES = 0.05, 20.0
"""One id has too many rows where it has this share of them and so many times what all ids have on average."""
CARD_DIGITS = 16
ENOUGH_CARDS = 20
"""Of twenty card numbers that end anyhow, all end in zero with probability 1e-20."""
HELD, TRIMMED = 100_000, 20_000


@dataclass
class ValueSample:
    """How often each value of one column stands in a sample of its rows; the rare ones of many are forgotten."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, column: pa.ChunkedArray) -> None:
        """Take in further rows of the sample."""
        self.rows += len(column)
        counted = pc.value_counts(pc.cast(column.drop_null(), pa.string()))
        values, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
        self.counts.update(dict(zip(values, counts, strict=True)))
        if len(self.counts) > HELD:
            self.counts = Counter(dict(self.counts.most_common(TRIMMED)))

    def id_warnings(self, name: str) -> Iterator[str]:
        """What looks wrong with ids, without showing one."""
        frequent = self.rows * PLACEHOLDER_SHARE
        words = {value for value, count in self.counts.items() if count >= frequent and self._is_placeholder(value)}
        if words:
            share = sum(self.counts[word] for word in words) / self.rows
            shown = ", ".join(sorted(words))
            yield (
                f"{name}: about {share:.1%} of the rows hold {shown}, which count as one id each; "
                "where they mean missing, the preset must say missing = [...]"
            )
        crowd = self.rows * max(OUTLANDISH_SHARE, OUTLANDISH_TIMES / max(len(self.counts), 1))
        crowded = {value for value, count in self.counts.items() if count >= crowd} - words
        if crowded:
            share = sum(self.counts[value] for value in crowded) / self.rows
            yield (
                f"{name}: {len(crowded)} of the ids {'have' if len(crowded) > 1 else 'has'} about {share:.1%} of all "
                "rows; where it stands for no id, the preset must say missing = [...]"
            )
        if self._cut_to_fifteen_digits():
            yield f"{name}: all ids of {CARD_DIGITS} and more digits end in 0, as a spreadsheet leaves card numbers"
        yield from self.case_warnings(name)

    def case_warnings(self, name: str) -> Iterator[str]:
        """Values that only case tells apart."""
        alike = len(self.counts) - len({value.upper() for value in self.counts})
        if alike:
            yield f"{name}: {alike:,} values differ from another in case alone; upper = true in the preset joins them"

    def _is_placeholder(self, value: str) -> bool:
        return value.lower() in PLACEHOLDERS and len(self.counts) > 2

    def _cut_to_fifteen_digits(self) -> bool:
        long = [value for value in self.counts if len(value) >= CARD_DIGITS and value.isascii() and value.isdigit()]
        return len(long) >= ENOUGH_CARDS and all(value.endswith("0") for value in long)
