"""What a preset may say: which source columns become the canonical transaction, and what lies beside them."""

import codecs
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from features.errors import InputError, faults_text
from features.schema.source_columns import (
    ActionColumn,
    AmountColumn,
    Categorical,
    CurrencyColumn,
    IdColumn,
    LabelColumn,
    Names,
    Numeric,
    OutcomeColumn,
    PlainColumn,
    Strict,
    check_distinct,
)
from features.schema.time_column import TimeColumn
from features.suggestions import did_you_mean, known_keys

POLICY = ("action", "label_source", "approval_probability", "opinion")
"""Canonical columns that say what was done with a row and who labelled it; they are no model inputs."""
EARLIER_LABELS = "earlier_labels"
"""Outcomes of a row that were known once and hold no more; absent where no label can change."""
LABELS = ("label", "label_available_at", EARLIER_LABELS)
CANONICAL = ("transaction_id", "event_time", "amount", "amount_minor", *LABELS, *POLICY)
"""Columns whose names and meaning are fixed; entities and declared extras stand beside them."""


def _encoding(name: str) -> str:
    try:
        b"".decode(name)  # hex and the like are codecs too, but of no text
        return codecs.lookup(name).name
    except LookupError as error:
        raise InputError(f"must be an encoding such as 'latin-1', 'cp1252' or 'utf-16', got {name!r}") from error


class Mask(Strict):
    """Months whose labels are known to be wrong: their rows stay as history, their labels become unknown."""

    reason: str = Field(description="why, as the report tells it")
    months: tuple[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], ...] = Field(
        (), description="months such as 2023-07"
    )
    without_fraud: float | None = Field(
        None,
        gt=0,
        description="also any month with no fraud where the file's own rate lets at least this many be expected",
    )


class Join(Strict):
    """A second file with further columns of the same transactions."""

    files: str = Field(description="pattern of the file names among the sources that hold the further columns")
    on: Names = Field(description="the column that both files have, or spellings of it")
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
        check_distinct(self.order, "place")
        return self


class Chargebacks(Strict):
    """A feed of reports: which transaction, when it was reported, and as what. The latest report wins."""

    files: str = Field(description="pattern of the file names among the sources that hold the reports")
    transaction_id: IdColumn
    reported_at: TimeColumn
    outcome: OutcomeColumn | None = Field(None, description="none: every report is one of fraud")
    absent: Literal["no", "unknown"] = Field(
        "no",
        description="what a transaction of which no report stands is once labels.delay has passed: "
        "`no` is legitimate, `unknown` leaves it without a label",
    )


class Preset(Strict):
    """How one kind of source file becomes canonical transactions."""

    description: str = Field("", description="what the preset is of, for people")
    transaction_id: IdColumn | None = None
    event_time: TimeColumn
    entities: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_id$")], IdColumn] = Field(default_factory=dict)
    amount: AmountColumn
    currency: CurrencyColumn | None = None
    label: LabelColumn | None = Field(None, description="may be absent where chargebacks say it")
    label_available_at: TimeColumn | None = Field(
        None, description="when the label became known; absent: labels.delay after the event"
    )
    action: ActionColumn | None = None
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
    chargebacks: Chargebacks | None = None

    @model_validator(mode="after")
    def _labels_come_from_somewhere(self) -> "Preset":
        if self.label is None and self.chargebacks is None:
            raise InputError("must say where labels come from: label, or chargebacks")
        if self.chargebacks is not None and self.transaction_id is None:
            raise InputError("must say what transaction_id is, which chargebacks are looked up by")
        return self

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
        if self.label is not None and self.label.absent != "unknown" and self.join is None:
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

    def of_live_rows(self, held: Collection[str]) -> "Preset":
        """The preset for rows with these columns: labels of live rows come later, and are in none of them."""
        absent = self.label is not None and not set(self.label.column) & {*held}
        return self.model_copy(update={"label": None}) if absent else self

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
        faults = [_fault(each) for each in error.errors(include_url=False)]
        raise InputError(faults_text(faults, "the preset")) from None


def _fault(fault: ErrorDetails) -> str:
    """One fault in words, with the key that may have been meant."""
    location = fault["loc"]
    key = ".".join(map(str, location)) or "preset"
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key{did_you_mean(str(location[-1]), known_keys(Preset, location))}"
    if fault["type"] == "missing":
        return f"{key}: must be given"
    if location[-1:] == ("[key]",):
        return f"{key.removesuffix('.[key]')}: must be lower case and end in '_id', such as 'merchant_id'"
    return f"{key}: {fault['msg'].removeprefix('Value error, ')}"
