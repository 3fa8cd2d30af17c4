"""Values that stand for no value, or for another one: told from a sample, for nobody reads every id of a file."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

PLACEHOLDERS = frozenset(
    {"null", "none", "nan", "nat", "na", "nil", "nul", "void", "empty", "blank", "unknown", "undefined", "unspecified"}
    | {"missing", "invalid", "error", "notavailable", "notapplicable", "notset", "noid", "nocard", "nomerchant"}
    | {"anonymous", "guest", "default", "dummy"}
)
"""Words that databases, data frames and people write where there is no id, in lower case, letters and digits alone."""
NO_ID = re.compile(r"-1|\\\\?n|0+(?:\.0+)?|9{6,}|x+|[^\w\s]+", re.IGNORECASE)
"""Signs and digits that stand for the same."""
FEWEST_ROWS = 100
"""A sample of fewer rows may well be of one card."""
ZEROS = re.compile(r"^0*(\d+?)(?:\.0+)?$")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
PLACEHOLDER_SHARE = 0.005
OUTLANDISH_SHARE, OUTLANDISH_TIMES = 0.05, 20.0
"""One id has too many rows where it has this share of them and so many times what all ids have on average."""
CARD_DIGITS = 16
ENOUGH_CARDS = 20
"""Of twenty card numbers that end anyhow, all end in zero with probability 1e-20."""
HELD, TRIMMED = 100_000, 20_000


def is_word_for_missing(value: str) -> bool:
    """Whether a text is a word that stands for no value, in whatever case and signs."""
    return "".join(letter for letter in value.lower() if letter.isalnum()) in PLACEHOLDERS


def _whole_number(value: str) -> str:
    return ZEROS.sub(r"\1", value) if value.startswith("0") or value.endswith(".0") else value


def _seen(value: str) -> str:
    return value if value.isascii() else unicodedata.normalize("NFKC", INVISIBLE.sub("", value))


RESPELLED: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("case alone; upper = true in the preset joins them", str.upper),
    ("zeros that say nothing (0315, 315.0); whole_numbers = true in the preset joins 315.0 and 315", _whole_number),
    ("signs that nobody sees, or in how a letter is put together: they should be written alike", _seen),
)
"""In what two spellings of one value differ, and what makes them one."""


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
        if len(self.counts) == 1 and self.rows >= FEWEST_ROWS:
            yield f"{name}: all rows hold one and the same id, so that every one of its windows is over all rows"
        yield from self.spelling_warnings(name)

    def spelling_warnings(self, name: str) -> Iterator[str]:
        """Values that are another one in a spelling of its own."""
        for what, respelled in RESPELLED:
            alike = len(self.counts) - len({respelled(value) for value in self.counts})
            if alike:
                yield f"{name}: {alike:,} values differ from another in {what}"

    def _is_placeholder(self, value: str) -> bool:
        return len(self.counts) > 2 and (is_word_for_missing(value) or NO_ID.fullmatch(value) is not None)

    def _cut_to_fifteen_digits(self) -> bool:
        long = [value for value in self.counts if len(value) >= CARD_DIGITS and value.isascii() and value.isdigit()]
        return len(long) >= ENOUGH_CARDS and all(value.endswith("0") for value in long)
