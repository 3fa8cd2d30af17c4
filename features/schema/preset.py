"""What a preset may say: which source columns become the canonical transaction and how their text is read.

A preset is data. Everything a public file needs (a clock that starts at zero, a date in four columns, currency signs,
yes/no labels, ids made of parts, numbers that stand for "missing") is a key here, so a user's own preset can do all
that ours do.
"""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.errors import InputError, faults_text
from features.schema.date_formats import date_format
from features.schema.number_text import NumberFormat
from features.schema.values import Spelling
from features.times import duration_microseconds

POLICY = ("action", "label_source", "approval_probability", "opinion")
"""Canonical columns that say what was done with a row and who labelled it; they are no model inputs."""
CANONICAL = ("transaction_id", "event_time", "amount", "amount_minor", "label", "label_available_at", *POLICY)
"""Columns whose names and meaning are fixed; entities and declared extras stand beside them."""

UNITS = {"us": 1, "ms": 1_000}


def _format(form: str) -> str:
    date_format(form)
    return form


def _encoding(name: str) -> str:
    try:
        b"".decode(name)  # hex and the like are codecs too, but of no text
        return codecs.lookup(name).name
    except LookupError as error:
        raise InputError(f"must be an encoding such as 'latin-1', 'cp1252' or 'utf-16', got {name!r}") from error


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _unit(value: object) -> object:
    if isinstance(value, str):
        return UNITS[value] if value in UNITS else duration_microseconds(f"1{value}" if value in set("dhms") else value)
    return value


def _iso(value: object) -> object:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"must be a time zone such as 'UTC' or 'Europe/Brussels', got {value!r}") from error
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_names), Field(min_length=1)]
"""One source column, or several spellings of it: the first that the file holds is taken."""
Unit = Annotated[int, BeforeValidator(_unit), Field(gt=0)]
Moment = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_in_utc)]
Zone = Annotated[str, BeforeValidator(_zone)]


class Strict(BaseModel):
    """A part of a preset: unknown keys are refused by name, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IdPart(Strict):
    """One piece of an id that is made of several columns."""

    column: Names
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
    def spelling(self) -> Spelling:
        """What else is one and the same id, or none."""
        return Spelling(self.missing, self.whole_numbers, self.upper)

    @model_validator(mode="after")
    def _one_origin(self) -> "IdColumn":
        if (self.column is None) == (not self.parts):
            raise InputError("must give either column or parts")
        return self


class TimeColumn(Strict):
    """When it happened: absolute text or stamps, time since an arbitrary start, or a date in several columns."""

    kind: Literal["datetime", "epoch", "elapsed", "parts"] = "datetime"
    column: Names | None = Field(None, description="source column; with `time` beside it, of the date alone")
    formats: tuple[Annotated[str, AfterValidator(_format)], ...] = Field(
        (), description="strptime formats tried in turn (%f: a fraction of a second); none: ISO 8601"
    )
    timezone: Zone = Field("UTC", description="zone of times that carry none")
    unit: Unit = Field(
        1_000_000, description="length of one step of epoch and elapsed: us, ms, s, m, h, d or a duration such as '30d'"
    )
    origin: Moment = Field(datetime(1970, 1, 1, tzinfo=UTC), description="what an elapsed 0 stands for")
    year: Names | None = None
    month: Names | None = None
    day: Names | None = None
    time: Names | None = Field(
        None, description="time of day beside a date: HH:MM, HH:MM:SS, HHMMSS, or as formats say; absent: midnight"
    )
    earliest: Moment = Field(
        datetime(1990, 1, 1, tzinfo=UTC), description="an earlier absolute time is a fault (a wrong unit, a zero)"
    )
    latest: Moment = Field(datetime(2100, 1, 1, tzinfo=UTC), description="a later time is a fault")

    @model_validator(mode="after")
    def _columns_of_kind(self) -> "TimeColumn":
        parts, stepped = (self.year, self.month, self.day), self.kind in ("epoch", "elapsed")
        if self.kind == "parts" and self.column is None and None in parts:
            raise InputError("kind 'parts' must give year, month and day, or column and time")
        if any(parts) and (self.column is not None or self.formats or self.kind != "parts"):
            raise InputError("year, month and day are of kind 'parts', with no column and no formats beside them")
        if self.column is None and self.kind != "parts":
            raise InputError(f"kind {self.kind!r} must give column")
        if stepped and (self.time or self.formats):
            raise InputError(f"kind {self.kind!r} must give neither time nor formats")
        return self


class AmountColumn(Strict):
    """How much, as a number or as currency text."""

    column: Names
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
    def format(self) -> NumberFormat:
        """How the numbers are written."""
        return NumberFormat(self.currency, self.thousands, self.decimal)


class CurrencyColumn(Strict):
    """In which currency each amount is, and how all of them become one."""

    column: Names
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

    column: Names
    yes: tuple[str, ...] = Field(("1", "true"), description="texts of fraud, any case")
    no: tuple[str, ...] = Field(("0", "false"), description="texts of legitimate, any case")
    unknown: tuple[str, ...] = Field((), description="texts of not known yet, any case, such as '-1'")
    absent: Literal["unknown", "no"] = Field(
        "unknown", description="what holds of a transaction that the joined file with the labels does not name"
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> "LabelColumn":
        _distinct_words((*self.yes, *self.no, *self.unknown), "label")
        return self


class ActionColumn(Strict):
    """What was done with a transaction; blank is not known. Texts are compared in any case."""

    column: Names
    approved: tuple[str, ...] = Field(("approved",), description="texts of a row that was let through")
    challenged: tuple[str, ...] = Field(("challenged",), description="texts of one that had to be confirmed first")
    blocked: tuple[str, ...] = Field(("blocked",), description="texts of one that was stopped: it has no outcome")

    @model_validator(mode="after")
    def _one_meaning(self) -> "ActionColumn":
        _distinct_words((*self.approved, *self.challenged, *self.blocked), "action")
        return self


class PlainColumn(Strict):
    """A column that is read as it stands."""

    column: Names


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
    def spelling(self) -> Spelling:
        """What else is one and the same category, or none."""
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
    def format(self) -> NumberFormat:
        """How the numbers are written."""
        return NumberFormat("", self.thousands, self.decimal)


class Mask(Strict):
    """Months whose labels are known to be wrong: their rows stay as history, their labels become unknown."""

    reason: str
    months: tuple[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], ...] = ()
    without_fraud: float | None = Field(
        None,
        gt=0,
        description="also any month with no fraud where the file's own rate lets at least this many be expected",
    )


class Join(Strict):
    """A second file with further columns of the same transactions."""

    files: str = Field(description="pattern of the file names among the sources that hold the further columns")
    on: Names
    whole_numbers: bool = Field(False, description="0015, 15.0 and 15 are one key, as they are where a file types them")


class Repeats(Strict):
    """Which row counts where several share an id: a later delivery, a clearing behind its authorization."""

    keep: Literal["first", "last"] = Field(description="first or last of them by file name and row, or by order")
    column: Names | None = Field(None, description="source column that says what kind of row it is")
    order: tuple[str, ...] = Field((), description="texts of that column, any case, from first to last")

    @model_validator(mode="after")
    def _column_in_order(self) -> "Repeats":
        if (self.column is None) != (not self.order):
            raise InputError("must give column and order together, or neither")
        _distinct_words(self.order, "place")
        return self


class Preset(Strict):
    """How one kind of source file becomes canonical transactions."""

    description: str = ""
    transaction_id: IdColumn | None = None
    event_time: TimeColumn
    entities: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_id$")], IdColumn] = Field(default_factory=dict)
    amount: AmountColumn
    currency: CurrencyColumn | None = Field(None, description="in which currency each amount is")
    label: LabelColumn
    label_available_at: TimeColumn | None = None
    action: ActionColumn | None = Field(None, description="what was done with the transaction")
    label_source: PlainColumn | None = Field(None, description="who gave the label: chargeback, investigator, …")
    approval_probability: PlainColumn | None = Field(
        None, description="with which probability the policy let such a row through, above 0 and at most 1"
    )
    categorical: tuple[Categorical, ...] = ()
    numeric: tuple[Numeric, ...] = ()
    leaks: tuple[str, ...] = Field((), description="columns that know the answer: dropped, and refused as inputs")
    personal: tuple[str, ...] = Field((), description="personal data: dropped, and refused as inputs")
    quotes: str = Field("", description="quote characters that stand around values inside the file")
    delimiter: str = Field(",", min_length=1, max_length=1, description="field separator of CSV files")
    encoding: Annotated[str, AfterValidator(_encoding)] = Field("utf-8", description="of CSV and JSON lines")
    repeats: Repeats | None = Field(None, description="none: rows that share an id and differ are all set aside")
    masks: tuple[Mask, ...] = ()
    join: Join | None = None

    @model_validator(mode="after")
    def _inputs_are_allowed(self) -> "Preset":
        inputs = {column for _, columns in self.extras() for column in columns}
        cards = self.entities.get("card_id")
        refused = inputs & {*self.leaks, *self.personal, *(cards.column or () if cards else ())}
        if refused:
            raise InputError(
                f"must not be inputs (leak, personal data, card number): {', '.join(map(repr, sorted(refused)))}"
            )
        return self

    @model_validator(mode="after")
    def _absent_labels_are_joined(self) -> "Preset":
        if self.label.absent != "unknown" and self.join is None:
            raise InputError("label.absent speaks of a joined file: it must stand beside [join]")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> "Preset":
        names = [*CANONICAL, *self.entities, *(name for name, _ in self.extras())]
        names += [self.amount.refund] if self.amount.refund else []
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"canonical names must be given once, got twice: {', '.join(map(repr, twice))}")
        return self

    def extras(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Canonical name and source spellings of every declared categorical and numeric column."""
        for group in (*self.categorical, *self.numeric):
            yield from group.resolved()


def preset_from_dict(
    parsed: Mapping[str, object], *, categorical: Sequence[str] = (), numeric: Sequence[str] = ()
) -> Preset:
    """A checked preset from a parsed TOML file, with the user's own columns added.

    Args:
        parsed: content of the file.
        categorical: further source columns to keep as text.
        numeric: further source columns to keep as numbers.

    Raises:
        InputError: every fault of the preset, one a line.
    """
    try:
        preset = Preset.model_validate(parsed)
        declared = {name for name, _ in preset.extras()}
        own = [[name for name in names if name not in declared] for names in (categorical, numeric)]
        added = {
            "categorical": preset.categorical + tuple(Categorical(columns=(name,), required=True) for name in own[0]),
            "numeric": preset.numeric + tuple(Numeric(columns=(name,), required=True) for name in own[1]),
        }
        return Preset.model_validate(dict(preset) | added)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'preset'}: {fault['msg']}" for fault in error.errors()]
        raise InputError(faults_text(faults, "the preset")) from error


def _distinct_words(words: Sequence[str], thing: str) -> None:
    lower = [word.lower() for word in words]
    twice = sorted({word for word in lower if lower.count(word) > 1})
    if twice:
        raise InputError(f"each text must mean one {thing}, got twice: {', '.join(map(repr, twice))}")


def _expanded(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(spelled for name in names for spelled in _range(name))


def _range(name: str) -> Iterator[str]:
    match = re.fullmatch(r"(.*)\{(\d+)\.\.(\d+)\}(.*)", name)
    if match is None:
        yield name
        return
    before, first, last, after = match.groups()
    for number in range(int(first), int(last) + 1):
        yield f"{before}{number:0{len(first)}d}{after}"
