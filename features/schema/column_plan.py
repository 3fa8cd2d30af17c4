"""Which source column fills which place of the canonical table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.schema.preset import IdColumn, Preset, TimeColumn

TIME_PARTS = ("year", "month", "day", "time")


@dataclass(frozen=True)
class Role:
    """A place in the canonical table that a source column can fill."""

    name: str
    columns: tuple[str, ...]
    required: bool


@dataclass(frozen=True)
class ColumnPlan:
    """Which source column fills which role in one file."""

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
    columns: dict[str, str] = {}
    missing: list[str] = []
    absent: list[str] = []
    for role in _roles(preset):
        source = next((name for name in role.columns if name in held), None)
        if source is not None:
            columns[role.name] = source
        else:
            (missing if role.required else absent).append(role.columns[0])
    leaks = tuple(name for name in preset.leaks if name in held)
    personal = tuple(name for name in preset.personal if name in held)
    known = {*columns.values(), *leaks, *personal}
    ignored = tuple(name for name in available if name not in known)
    return ColumnPlan(columns, tuple(dict.fromkeys(missing)), tuple(dict.fromkeys(absent)), ignored, leaks, personal)


def time_roles(name: str) -> dict[str, str]:
    """The roles that make up one time: the whole under "", or its parts."""
    return {"": name} | {part: f"{name}.{part}" for part in TIME_PARTS}


def _roles(preset: Preset) -> Iterator[Role]:
    yield from _id_roles("transaction_id", preset.transaction_id)
    yield from _time_roles("event_time", preset.event_time, required=True)
    yield Role("amount", preset.amount.column, True)
    yield Role("label", preset.label.column, True)
    if preset.label_available_at is not None:
        yield from _time_roles("label_available_at", preset.label_available_at, required=False)
    for name, entity in preset.entities.items():
        yield from _id_roles(name, entity)
    for group in (*preset.categorical, *preset.numeric):
        for name, columns in group.resolved():
            yield Role(name, columns, group.required)


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
