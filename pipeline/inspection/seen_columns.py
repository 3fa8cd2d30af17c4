"""Each column of a sample as it looks by itself: how full it is, how many values it has, whether they are numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.odd_values import is_word_for_missing
from features.schema.values import is_number
from pipeline.inspection.column_words import hints_at
from pipeline.inspection.number_spelling import NumberSpelling, number_spelling
from pipeline.inspection.row_sample import RowSample
from pipeline.inspection.time_readings import TimeReading, time_reading
from pipeline.state.card_numbers import has_check_digit, numbers_of_length

FEW = 12
"""Values of a column that are held against known words."""
QUOTE = "'"
QUOTED = r"^'.*'$"
CARD_NUMBER = r"^\d{13,19}$"
PLACEHOLDER_SHARE = 0.001


@dataclass(frozen=True)
class SeenColumn:
    """One column.

    Attributes:
        name: as the file has it.
        column: decoded values of the sample, text or typed.
        text: the same as trimmed text, null where blank.
        filled: share of the rows that hold a value.
        distinct: how many different values there are.
        values: how often each value stands there, where there are few.
        number: how its numbers are spelled; None where it holds none.
        time: how it reads as times; None where it does not.
    """

    name: str
    column: pa.Array = field(repr=False)
    text: pa.Array = field(repr=False)
    filled: float
    distinct: int
    values: Mapping[str, int]
    number: NumberSpelling | None
    time: TimeReading | None

    @property
    def rows(self) -> int:
        """Rows of the sample."""
        return len(self.text)

    def hints(self, role: str) -> bool:
        """Whether its name hints at a role."""
        return hints_at(self.name, role)

    @property
    def whole_text(self) -> bool:
        """Whether all values are whole numbers with a fraction of nothing, 5411.0, as data frames write codes."""
        return bool(pc.all(pc.match_substring_regex(self.text, r"^\d+\.0+$")).as_py()) and self.distinct > 0

    @property
    def is_id(self) -> bool:
        """Whether the values can be ids: text or whole numbers, more than a few."""
        typed_float = is_number(self.column.type) and pa.types.is_floating(self.column.type)
        return not typed_float and (self.number is None or self.number.whole) and self.distinct > 2

    @property
    def like_card_numbers(self) -> bool:
        """Whether the values are of 12 to 19 digits, in groups or not, and pass the check that card numbers pass."""
        some = self.text.drop_null()[:200]
        fitting = int(has_check_digit(numbers_of_length(some)).sum())
        return fitting >= 0.9 * len(some) > 0

    @property
    def like_mail(self) -> bool:
        """Whether some values are e-mail addresses."""
        return bool(pc.any(pc.match_substring_regex(self.text, r"^[^@\s]+@[^@\s]+\.\w+$")).as_py())

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Words for missing that stand for no id or category, as they are spelled here."""
        common = (
            each["values"]
            for each in pc.value_counts(self.text.drop_null()).to_pylist()
            if each["counts"] >= PLACEHOLDER_SHARE * self.rows
        )
        return tuple(sorted(value for value in common if is_word_for_missing(value) and value.lower() != "unknown"))

    @property
    def spelling_keys(self) -> dict[str, Any]:
        """Keys of an id or a category that say what else is one and the same, or none."""
        keys: dict[str, Any] = {"missing": list(self.placeholders)} if self.placeholders else {}
        if self.whole_text:
            keys["whole_numbers"] = True
        return keys | ({"upper": True} if self.in_two_cases else {})

    @property
    def in_two_cases(self) -> bool:
        """Whether some values differ in case alone."""
        values = pc.unique(self.text.drop_null())
        return bool(len(pc.unique(pc.utf8_upper(values))) < len(values))


@dataclass(frozen=True)
class SeenColumns:
    """All columns of a sample in the order of the file, and the quote character around their values."""

    columns: tuple[SeenColumn, ...]
    quotes: str

    def named(self, name: str) -> SeenColumn:
        """The column of a name."""
        return next(each for each in self.columns if each.name == name)

    @property
    def arrays(self) -> dict[str, pa.Array]:
        """The decoded values by name."""
        return {each.name: each.column for each in self.columns}


def seen_columns(sample: RowSample) -> SeenColumns:
    """The columns of a sample; a name of nothing, as an index without one has, is left out."""
    names = [name for name in sample.names if name.strip()]
    quotes = QUOTE if any(_quoted(sample.texts[name]) for name in names) else ""
    return SeenColumns(tuple(_seen(name, sample, quotes) for name in names), quotes)


def _seen(name: str, sample: RowSample, quotes: str) -> SeenColumn:
    column, text = sample.columns[name], sample.texts[name]
    text = pc.utf8_trim(text, quotes) if quotes else text
    known = text.drop_null()
    counted = pc.value_counts(known).to_pylist()
    few = {each["values"]: each["counts"] for each in counted} if len(counted) <= FEW else {}
    return SeenColumn(
        name=name,
        column=column,
        text=text,
        filled=len(known) / max(len(text), 1),
        distinct=len(counted),
        values=few,
        number=number_spelling(column, text, quotes=quotes),
        time=time_reading(name, column, quotes=quotes),
    )


def _quoted(text: pa.Array) -> bool:
    """Whether literal quotes stand around all values of a column."""
    return text.null_count < len(text) and bool(pc.all(pc.match_substring_regex(text, QUOTED)).as_py())
