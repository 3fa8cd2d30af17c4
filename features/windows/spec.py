"""The features of a run as data: what the configuration asks for, and each column's definition.

The specification alone lets another system recompute every column, so it travels with the bundle as features.json.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.errors import InputError
from features.times import Duration, duration_text
from features.windows.aggregate_names import aggregate_named
from features.windows.aggregates import Aggregate, Clock, Needs
from features.windows.calendar import CALENDAR
from features.windows.feature_options import FeaturesConfig, split_entry
from features.windows.plugins import plugin_of

Kind = Literal["numeric", "categorical"]
Closed = Literal["left", "right"]


class FeatureColumn(BaseModel):
    """One feature column.

    Windows are lengths of time before the row's event_time t: closed "left" is [t - window, t), closed "right" is
    (t - window, t]. Without a window, closed "left" means every earlier row. `clock` is the column that places a row in
    the window. Where an `entity` column is null the feature is null. `needs` "all": rows of other ids decide it too.
    `plugin` is the user's module that an aggregate comes from, where it is none of Harbor's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Kind
    dtype: Literal["int32", "float32", "string"]
    aggregate: str
    of: str | None = None
    entity: tuple[str, ...] = ()
    window: Duration | None = None
    closed: Closed | None = None
    clock: Clock | None = None
    needs: Needs = "group"
    definition: str
    plugin: str | None = Field(None, exclude_if=lambda name: name is None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """A definition that no aggregate can have is refused here rather than computed as something else."""
        aggregate = self.entity_aggregate
        if not self.entity:
            return self
        if aggregate is None:
            named = f": it comes from {self.plugin!r}, which features.plugins of the configuration must name"
            home = "" if self.plugin is None else named
            raise InputError(f"no aggregate is named {self.aggregate!r}{home}")
        if aggregate.windowed != (self.window is not None):
            raise InputError(f"{self.aggregate!r} {'needs a' if aggregate.windowed else 'takes no'} window")
        if aggregate.past_only and self.closed != "left":
            raise InputError(f"{self.aggregate!r} sees only the past: closed must be 'left', got {self.closed!r}")
        if (self.of, self.clock, self.dtype) != (aggregate.of, aggregate.clock, aggregate.dtype):
            raise InputError(f"{self.aggregate!r} reads {aggregate.of} by {aggregate.clock} and is {aggregate.dtype}")
        if self.needs != aggregate.needs:
            raise InputError(f"{self.aggregate!r} needs {aggregate.needs!r}, got {self.needs!r}")
        return self

    @property
    def entity_aggregate(self) -> Aggregate | None:
        """How the column is computed, where it is one of an entity."""
        other = (self.of.removesuffix("_id"),) if self.of and self.of.endswith("_id") else ()
        return aggregate_named(self.aggregate, entities=other) if self.entity else None


class FeatureSpec(BaseModel):
    """The feature columns of a run in their order.

    `amount_scale` is minor units per unit of amount: sums are taken over whole minor units. `absent` lists entities
    that were asked for and whose columns the data does not have. `horizon` is how far columns without a window look
    back: rows in [t - horizon, t); without one, every earlier row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    amount_scale: int = Field(gt=0)
    columns: tuple[FeatureColumn, ...]
    absent: tuple[str, ...] = ()
    horizon: Duration | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All feature columns."""
        return tuple(column.name for column in self.columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Numeric feature columns."""
        return tuple(column.name for column in self.columns if column.kind == "numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Categorical feature columns."""
        return tuple(column.name for column in self.columns if column.kind == "categorical")

    @property
    def entities(self) -> tuple[tuple[str, ...], ...]:
        """The id columns of each entity that has a feature."""
        return tuple(dict.fromkeys(column.entity for column in self.columns if column.entity))

    @property
    def needing_all(self) -> tuple[str, ...]:
        """Feature columns that the rows of one id do not decide: whoever has only those must refuse them by name."""
        return tuple(column.name for column in self.columns if column.needs == "all")

    @property
    def plugins(self) -> tuple[str, ...]:
        """The user's modules that columns come from: whoever computes these needs them."""
        return tuple(dict.fromkeys(column.plugin for column in self.columns if column.plugin is not None))

    def selected(self, names: Collection[str]) -> Self:
        """The same specification cut down to some of its columns."""
        return self.model_copy(update={"columns": tuple(c for c in self.columns if c.name in names)})

    def to_json(self) -> str:
        """Readable JSON, the same bytes for the same specification."""
        return self.model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The specification that `to_json` wrote.

        Raises:
            InputError: the text is not one (pydantic's ValidationError, every fault by its place).
        """
        return cls.model_validate_json(text)


def feature_spec(
    config: FeaturesConfig,
    *,
    columns: Collection[str],
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    amount_scale: int = 100,
) -> FeatureSpec:
    """What `config` means for a table with these canonical columns.

    Features of an entity whose columns the table does not have are not produced, nor label windows without
    label_available_at, so data without ids runs through the same pipeline.

    Args:
        config: the [features] section.
        columns: names of the canonical table's columns.
        categorical: declared categorical extras of the table, passed on as they are.
        numeric: declared numeric extras of the table, passed on as they are.
        amount_scale: minor units per unit of amount.

    Raises:
        InputError: a declared extra is not in the table, or two features would have one name.
    """
    present = [entity for entity in config.entities if {*entity_columns(entity)} <= {*columns}]
    identities = [f"{name}_id" for name in config.identities if f"{name}_id" in columns]
    specified = (
        _value("numeric", "amount"),
        *map(_clock_column, config.calendar),
        *(column for entity in present for column in _entity_features(entity, config, columns)),
        *map(partial(_value, "numeric"), numeric),
        *map(partial(_value, "categorical"), dict.fromkeys([*identities, *categorical])),
    )
    _check_columns(specified, [*categorical, *numeric], columns)
    absent = tuple(entity for entity in config.entities if entity not in present)
    return FeatureSpec(amount_scale=amount_scale, columns=specified, absent=absent, horizon=config.horizon)


def entity_columns(entity: str) -> tuple[str, ...]:
    """The id columns of an entity: "card+merchant" is card_id and merchant_id."""
    return tuple(f"{part}_id" for part in entity.split("+"))


def _entity_features(entity: str, config: FeaturesConfig, columns: Collection[str]) -> Iterator[FeatureColumn]:
    """The columns of an entity, in the configuration's order; what the table cannot tell is left out."""
    others = tuple(name for name in config.single_entities if f"{name}_id" in columns)
    for entry in config.aggregates[entity]:
        width, name = split_entry(entry)
        aggregate = aggregate_named(name, entities=others)
        if aggregate is None or (aggregate.reads_labels and not {"label", "label_available_at"} <= set(columns)):
            continue
        closed: Closed = "right" if config.include_current and not aggregate.past_only else "left"
        for window in _windows(aggregate, width, config):
            rows = _rows(entity, config.horizon if window is None else window, closed, aggregate.clock)
            yield _window_column(entity, name, aggregate, window, closed, rows)


def _windows(aggregate: Aggregate, width: int | None, config: FeaturesConfig) -> tuple[int | None, ...]:
    if not aggregate.windowed:
        return (None,)
    return config.windows if width is None else (width,)


def _window_column(
    entity: str, name: str, aggregate: Aggregate, window: int | None, closed: Closed, rows: str
) -> FeatureColumn:
    span = "" if window is None else f"{duration_text(window)}_"
    return FeatureColumn(
        name=f"{entity.replace('+', '_')}_{span}{name}",
        kind="numeric",
        dtype=aggregate.dtype,
        aggregate=name,
        of=aggregate.of,
        entity=entity_columns(entity),
        window=window,
        closed=closed,
        clock=aggregate.clock,
        needs=aggregate.needs,
        definition=aggregate.meaning.format(rows=rows, same=" and ".join(entity_columns(entity))),
        plugin=plugin_of(aggregate.values),
    )


def _rows(entity: str, window: int | None, closed: Closed, clock: str) -> str:
    same = " and ".join(entity_columns(entity))
    if window is None:
        return f"rows of the same {same} with {clock} < t"
    width = duration_text(window)
    return f"rows of the same {same} with {clock} in " + (
        f"[t - {width}, t)" if closed == "left" else f"(t - {width}, t]"
    )


def _value(kind: Kind, name: str) -> FeatureColumn:
    dtype: Literal["float32", "string"] = "float32" if kind == "numeric" else "string"
    return FeatureColumn(
        name=name, kind=kind, dtype=dtype, aggregate="value", of=name, definition=f"{name} of the row itself"
    )


def _clock_column(name: str) -> FeatureColumn:
    meaning = (CALENDAR[name].__doc__ or name).strip().rstrip(".")
    return FeatureColumn(
        name=name,
        kind="numeric",
        dtype="float32",
        aggregate=name,
        of="event_time",
        definition=f"{meaning[0].lower()}{meaning[1:]}, UTC, of event_time",
    )


def _check_columns(specified: Sequence[FeatureColumn], extras: Sequence[str], columns: Collection[str]) -> None:
    faults = [f"'{name}': declared, but the table has no such column" for name in extras if name not in columns]
    names = [column.name for column in specified]
    faults += [f"'{name}': two features have this name" for name in dict.fromkeys(names) if names.count(name) > 1]
    if faults:
        raise InputError("\n  ".join([f"{len(faults)} of the declared columns cannot be features", *faults]))
