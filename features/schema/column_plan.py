"""Which source column fills which place of the canonical table."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.schema.preset import IdColumn, Preset, TimeColumn

TIME_PARTS = ("year", "month", "day", "time")
CURRENCY_NAMES = frozenset(
    {"currency", "currency_code", "currencycode", "ccy", "ccy_code", "transaction_currency", "txn_currency"}
)
"""Columns, in any case, that say the currency of an amount where no preset does."""


@dataclass(frozen=True)
class Role:
    """A place in the canonical table that a source column can fill; `expected`: it is told where none does."""

    name: str
    columns: tuple[str, ...]
    required: bool
    expected: bool = True

    def source(self, held: Collection[str]) -> str | None:
        """The first of its spellings that a file holds."""
        return next((name for name in self.columns if name in held), None)


@dataclass(frozen=True)
class ColumnPlan:
    """Which source column fills which role in one file.

    Attributes:
        columns: source column by role.
        missing: columns that must be there and are not, by their first spelling.
        absent: columns that may be there and are not, by their first spelling; those of a policy go without saying.
        ignored: columns that nobody names.
        leaks: columns that know the answer, dropped.
        personal: personal data, dropped.
    """

    columns: Mapping[str, str]
    missing: tuple[str, ...]
    absent: tuple[str, ...]
    ignored: tuple[str, ...]
    leaks: tuple[str, ...]
    personal: tuple[str, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """Source columns that must be read, each once, in a fixed order."""
        return tuple(dict.fromkeys(self.columns.values()))


def column_plan(preset: Preset, available: Sequence[str]) -> ColumnPlan:
    """Match a file's header with a preset; faults are returned, for the caller knows the file's name."""
    held = set(available)
    sources = {role: role.source(held) for role in (*_roles(preset), *_currency_role(preset, available))}
    columns = {role.name: source for role, source in sources.items() if source is not None}
    unfilled = [role for role, source in sources.items() if source is None and role.expected]
    leaks, personal = _held(preset.leaks, held), _held(preset.personal, held)
    return ColumnPlan(
        columns=columns,
        missing=_first_spellings(unfilled, required=True),
        absent=_first_spellings(unfilled, required=False),
        ignored=_held(available, held - {*columns.values(), *leaks, *personal}),
        leaks=leaks,
        personal=personal,
    )


def time_roles(name: str) -> dict[str, str]:
    """The roles that make up one time: the whole under "", or its parts."""
    return {"": name} | {part: f"{name}.{part}" for part in TIME_PARTS}


def _held(names: Sequence[str], among: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in among)


def _first_spellings(roles: Sequence[Role], *, required: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(role.columns[0] for role in roles if role.required == required))


def _roles(preset: Preset) -> Iterator[Role]:
    yield from _id_roles("transaction_id", preset.transaction_id)
    yield from _time_roles("event_time", preset.event_time, required=True)
    yield Role("amount", preset.amount.column, True)
    yield Role("label", preset.label.column, True)
    if preset.label_available_at is not None:
        yield from _time_roles("label_available_at", preset.label_available_at, required=False)
    for name in ("action", "label_source", "approval_probability"):
        if (column := getattr(preset, name)) is not None:
            yield Role(name, column.column, False, expected=False)
    if preset.repeats is not None and preset.repeats.column is not None:
        yield Role("repeats", preset.repeats.column, True)
    for name, entity in preset.entities.items():
        yield from _id_roles(name, entity)
    for group in (*preset.categorical, *preset.numeric):
        for name, columns in group.resolved():
            yield Role(name, columns, group.required)


def _currency_role(preset: Preset, available: Sequence[str]) -> Iterator[Role]:
    """The column of currencies: the preset's, or one whose name says it, for sums over several mean nothing."""
    named = tuple(name for name in available if name.lower() in CURRENCY_NAMES)
    if preset.currency is not None:
        yield Role("currency", preset.currency.column, True)
    elif named:
        yield Role("currency", named[:1], False)


def _id_roles(name: str, column: IdColumn | None) -> Iterator[Role]:
    if column is not None and column.column is not None:
        yield Role(name, column.column, False)
    elif column is not None:
        for index, part in enumerate(column.parts):
            yield Role(f"{name}.{index}", part.column, False)


def _time_roles(name: str, column: TimeColumn, *, required: bool) -> Iterator[Role]:
    if column.column is not None:
        yield Role(name, column.column, required)
    for key in TIME_PARTS:
        part: tuple[str, ...] | None = getattr(column, key)
        if part is not None:
            yield Role(f"{name}.{key}", part, required)
