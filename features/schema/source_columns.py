"""What a preset may say of one source column: an id, an amount, a label, a category, a number.

A preset is data. Everything a public file needs (currency signs, yes/no labels, ids made of parts, numbers that stand
for "missing") is a key here, so a user's own preset can do all that ours do.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.errors import InputError

if TYPE_CHECKING:  # these load pyarrow, and a refusal must not wait for it
    from features.schema.number_text import NumberFormat
    from features.schema.values import Spelling

MOST_NAMES = 10_000
"""Columns that one range such as `V{1..28}` may stand for."""


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names), Field(min_length=1)]
"""One source column, or several spellings of it: the first that the file holds is taken."""


class Strict(BaseModel):
    """A part of a preset: unknown keys are refused by name, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IdPart(Strict):
    """One piece of an id that is made of several columns."""

    column: Names = Field(description="source column, or spellings of it")
    optional: bool = Field(
        False, description="a missing value leaves this piece empty instead of making the whole id null"
    )
    kind: Literal["id", "days_before"] = Field(
        "id",
        description="days_before: the day that lies this many days before the event, counted from event_time.origin",
    )


class IdColumn(Strict):
    """The transaction's own id or an entity: text or integers, never floats."""

    column: Names | None = Field(None, description="source column, or spellings of it")
    parts: tuple[IdPart, ...] = Field((), description="the id is these pieces, joined by '_'")
    type: Literal["as_is", "integer"] = Field(
        "as_is", description="as_is: text stays text; integer: text must be a whole number"
    )
    missing: tuple[str, ...] = Field((), description="texts that mean no id, such as 'NULL' or '-1'")
    whole_numbers: bool = Field(False, description="'315.0' and 315 are one id, '315'")
    upper: bool = Field(False, description="upper and lower case are one id, in upper case")

    @property
    def spelling(self) -> "Spelling":
        """What else is one and the same id, or none."""
        from features.schema.values import Spelling

        return Spelling(self.missing, self.whole_numbers, self.upper)

    @model_validator(mode="after")
    def _one_origin(self) -> "IdColumn":
        if (self.column is None) == (not self.parts):
            raise InputError("must give either column or parts")
        return self


class AmountColumn(Strict):
    """How much, as a number or as currency text."""

    column: Names = Field(description="source column, or spellings of it")
    scale: Literal[1, 10, 100, 1_000, 10_000] = Field(100, description="minor units in one major unit")
    unit: Literal["major", "minor"] = Field(
        "major", description="minor: amounts are whole numbers of cents, of as many as their currency has"
    )
    currency: str = Field("", description="sign or letters before or after the number")
    thousands: str = Field("", max_length=1, description="separator of thousands")
    decimal: str = Field(".", min_length=1, max_length=1, description="decimal mark")
    refund: str | None = Field(
        None,
        description="a negative amount (-5, (5), 5-) becomes its absolute value and this categorical says 'true'",
    )

    @property
    def format(self) -> "NumberFormat":
        """How the numbers are written."""
        from features.schema.number_text import NumberFormat

        return NumberFormat(self.currency, self.thousands, self.decimal)


class CurrencyColumn(Strict):
    """In which currency each amount is, and how all of them become one."""

    column: Names = Field(description="source column of the currency, or spellings of it")
    target: str = Field("", description="currency of the amounts that features are made of")
    rates: str = Field(
        "",
        description="CSV file beside the preset with the columns currency, rate (target units in one unit) and, where "
        "rates change, date (the first day of a rate)",
    )
    converted: bool = Field(False, description="amounts are in the target currency already, whatever the column says")
    minor_digits: dict[str, Annotated[int, Field(ge=0, le=4)]] = Field(
        default_factory=dict, description="decimal places of a currency where they are not those of ISO 4217"
    )

    @model_validator(mode="after")
    def _one_currency(self) -> "CurrencyColumn":
        if (self.rates or self.converted) and not self.target:
            raise InputError("must give target, the currency that amounts become or are")
        if self.rates and self.converted:
            raise InputError("must give either rates or converted")
        return self


class LabelColumn(Strict):
    """Fraud or not; blank is not known."""

    column: Names = Field(description="source column, or spellings of it")
    yes: tuple[str, ...] = Field(("1", "true"), description="texts of fraud, any case")
    no: tuple[str, ...] = Field(("0", "false"), description="texts of legitimate, any case")
    unknown: tuple[str, ...] = Field((), description="texts of not known yet, any case, such as '-1'")
    absent: Literal["unknown", "no"] = Field(
        "unknown", description="what holds of a transaction that the joined file with the labels does not name"
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> "LabelColumn":
        check_distinct((*self.yes, *self.no, *self.unknown), "label")
        return self


class ActionColumn(Strict):
    """What was done with a transaction; blank is not known. Texts are compared in any case."""

    column: Names = Field(description="source column, or spellings of it")
    approved: tuple[str, ...] = Field(("approved",), description="texts of a row that was let through")
    challenged: tuple[str, ...] = Field(("challenged",), description="texts of one that had to be confirmed first")
    blocked: tuple[str, ...] = Field(("blocked",), description="texts of one that was stopped: it has no outcome")

    @model_validator(mode="after")
    def _one_meaning(self) -> "ActionColumn":
        check_distinct((*self.approved, *self.challenged, *self.blocked), "action")
        return self


class PlainColumn(Strict):
    """A column that is read as it stands."""

    column: Names = Field(description="source column, or spellings of it")


class Extras(Strict):
    """A group of model inputs that share their reading. `V{1..28}` in a name stands for V1 to V28."""

    columns: tuple[str, ...] = Field(description="source columns")
    names: tuple[str, ...] = Field((), description="names in the canonical table, one for each column; none: the same")
    aliases: tuple[str, ...] = Field((), description="other spellings, one for each column")
    required: bool = Field(False, description="the job stops when the source lacks one; otherwise it is only listed")

    def resolved(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each canonical name with the spellings of its source column."""
        columns = _expanded(self.columns)
        names, aliases = _expanded(self.names) or columns, _expanded(self.aliases)
        for index, column in enumerate(columns):
            yield names[index], (column, *aliases[index : index + 1])

    @model_validator(mode="after")
    def _same_lengths(self) -> "Extras":
        columns = len(_expanded(self.columns))
        for key, other in (("names", _expanded(self.names)), ("aliases", _expanded(self.aliases))):
            if other and len(other) != columns:
                raise InputError(f"{key} must have one entry for each of the {columns} columns, got {len(other)}")
        return self


class Categorical(Extras):
    """Columns kept as text."""

    missing: tuple[str, ...] = Field((), description="texts that mean missing")
    whole_numbers: bool = Field(False, description="'315.0' and 315 are one category, '315'")
    upper: bool = Field(False, description="upper and lower case are one category, in upper case")

    @property
    def spelling(self) -> "Spelling":
        """What else is one and the same category, or none."""
        from features.schema.values import Spelling

        return Spelling(self.missing, self.whole_numbers, self.upper)


class Numeric(Extras):
    """Columns kept as numbers, NaN where missing."""

    missing: tuple[float, ...] = Field((), description="numbers that mean missing")
    missing_below: float | None = Field(None, description="every number below this means missing")
    missing_text: tuple[str, ...] = Field(
        ("na", "nan", "null", "none"), description="texts that mean missing, any case"
    )
    thousands: str = Field("", max_length=1, description="separator of thousands")
    decimal: str = Field(".", min_length=1, max_length=1, description="decimal mark")

    @property
    def format(self) -> "NumberFormat":
        """How the numbers are written."""
        from features.schema.number_text import NumberFormat

        return NumberFormat("", self.thousands, self.decimal)


class OutcomeColumn(Strict):
    """What a report says became of its transaction; blank withdraws the reports before it."""

    column: Names = Field(description="source column, or spellings of it")
    yes: tuple[str, ...] = Field(("1", "true"), description="texts of fraud, any case")
    no: tuple[str, ...] = Field(("0", "false"), description="texts of a dispute that was overturned, any case")


def check_distinct(words: Sequence[str], thing: str) -> None:
    """Stop where one text, in any case, is to mean two things.

    Raises:
        InputError: which do.
    """
    lower = [word.lower() for word in words]
    twice = sorted({word for word in lower if lower.count(word) > 1})
    if twice:
        raise InputError(f"each text must mean one {thing}, got twice: {', '.join(map(repr, twice))}")


def _expanded(names: Sequence[str]) -> tuple[str, ...]:
    spelled = tuple(itertools.islice((each for name in names for each in _range(name)), MOST_NAMES + 1))
    if len(spelled) > MOST_NAMES:
        raise InputError(f"names and ranges must stand for at most {MOST_NAMES:,} columns, got more")
    return spelled


def _range(name: str) -> Iterator[str]:
    match = re.fullmatch(r"(.*)\{(\d+)\.\.(\d+)\}(.*)", name)
    if match is None:
        yield name
        return
    before, first, last, after = match.groups()
    if len(last) > len(str(MOST_NAMES)) or int(last) - int(first) >= MOST_NAMES:
        raise InputError(
            f"a range must stand for at most {MOST_NAMES:,} columns, got one from {first[:9]} to {last[:9]}…"
        )
    for number in range(int(first), int(last) + 1):
        yield f"{before}{number:0{len(first)}d}{after}"
