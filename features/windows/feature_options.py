"""Which entities, windows and aggregates a run asks for (section [features]), checked as a whole."""

import re
from collections.abc import Collection, Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.encoding_options import EncodingConfig
from features.errors import InputError
from features.suggestions import did_you_mean
from features.times import DAY, Duration, duration_microseconds, duration_text
from features.windows.aggregate_names import aggregate_named, known_names
from features.windows.calendar import CALENDAR

DEFAULT_AGGREGATES: dict[str, tuple[str, ...]] = {
    "card": (
        "count",
        "amount_mean",
        "amount_max",
        "amount_std",
        "amount_zscore",
        "amount_ratio",
        "merchants",
        "30d_fraud_count",
        "seconds_since_last",
    ),
    "merchant": (
        "count",
        "amount_mean",
        "amount_ratio",
        "cards",
        "fraud_count",
        "fraud_rate",
        "30d_last_label",
        "30d_seconds_since_last_fraud",
        "30d_fraud_run_length",
        "30d_fraud_run_seconds",
        "seconds_since_last",
    ),
    "card+merchant": ("30d_count", "seconds_since_last", "first_seen"),
}
"""The aggregates of an entity that the configuration does not list; for any other entity, those of ANY_ENTITY."""

USUAL_ENTITIES = ("card", "merchant")
"""What the default configuration asks of every preset; data without ids has neither."""
ANY_ENTITY = ("count", "amount_mean", "amount_ratio", "fraud_rate", "seconds_since_last")


class FeaturesConfig(BaseModel):
    """Which point-in-time features are made: for which ids, over which windows, with which aggregates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: tuple[str, ...] = Field(
        ("card", "merchant", "card+merchant"),
        description="what windows are kept for: id columns without `_id`, joined by + for pairs; each "
        "must be one of the preset's, and where the feed lacks its columns it is skipped with a warning",
    )
    windows: tuple[Duration, ...] = Field(
        (DAY, 7 * DAY, 30 * DAY), max_length=64, description="window lengths of every windowed aggregate"
    )
    horizon: Duration | None = Field(
        None, description="how far back aggregates without a window look (`400d`); without it, to the first row"
    )
    include_current: bool = Field(
        False, description="count the row itself and its ties: (t - w, t] instead of [t - w, t); never in label windows"
    )
    plugins: tuple[str, ...] = Field(
        (),
        description="modules that add aggregates of your own, looked for in the working directory, beside the "
        "configuration file and among what is installed",
    )
    aggregates: dict[str, tuple[str, ...]] = Field(
        DEFAULT_AGGREGATES,
        description="per entity, the aggregates to produce (`count`) or a single window of one (`90d_count`); "
        "an entity that is not listed has its default",
    )
    calendar: tuple[str, ...] = Field(tuple(CALENDAR), description="what is taken from the clock, in UTC")
    identities: tuple[str, ...] = Field(
        ("merchant",), description="entities whose id is itself a categorical input; never the card"
    )
    encoding: EncodingConfig = Field(EncodingConfig(), description="vocabularies and numeric scaling")

    @property
    def single_entities(self) -> tuple[str, ...]:
        """Every id named in `entities`, alone or in a pair."""
        return tuple(dict.fromkeys(part for entity in self.entities for part in entity.split("+")))

    def entity_faults(self, id_columns: Collection[str]) -> Iterator[str]:
        """Entities that are asked for and that the data cannot have, with the one that may have been meant.

        Args:
            id_columns: names of the id columns that the preset knows, each ending in `_id`.
        """
        known = [name.removesuffix("_id") for name in id_columns]
        for key, names in (("entities", self.single_entities), ("identities", self.identities)):
            for name in names:
                if name not in known and name not in USUAL_ENTITIES:
                    held = ", ".join(known) or "none"
                    hint = did_you_mean(name, known)
                    yield f"features.{key}: must be entities of the preset ({held}), got {name!r}{hint}"

    @model_validator(mode="before")
    @classmethod
    def _with_default_aggregates(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("aggregates", {}), dict):
            return given
        entities = given.get("entities", cls.model_fields["entities"].default)
        defaults = {e: DEFAULT_AGGREGATES.get(e, ANY_ENTITY) for e in entities if isinstance(e, str)}
        return {**given, "aggregates": {**defaults, **given.get("aggregates", {})}}

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = [*self._entity_faults(), *self._aggregate_faults(), *self._other_faults()]
        if faults:
            raise InputError("; ".join(faults))
        return self

    def _entity_faults(self) -> list[str]:
        faults = [
            f"entities: must be names of lower-case letters, digits and _ joined by +, got {entity!r}"
            for entity in self.entities
            if not re.fullmatch(r"[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)*", entity)
        ]
        faults += [
            f"entities: {e!r} names an id twice" for e in self.entities if len(set(e.split("+"))) < len(e.split("+"))
        ]
        if len({frozenset(entity.split("+")) for entity in self.entities}) < len(self.entities):
            faults.append("entities: each entity once")
        return faults

    def _aggregate_faults(self) -> list[str]:
        faults = [
            f"aggregates.{e}: {e!r} is not in entities{did_you_mean(e, self.entities)}"
            for e in self.aggregates
            if e not in self.entities
        ]
        for entity, entries in self.aggregates.items():
            faults += [
                f"aggregates.{entity}: {fault}" for entry in entries if (fault := self._entry_fault(entity, entry))
            ]
            if len(set(entries)) < len(entries):
                faults.append(f"aggregates.{entity}: each aggregate once")
        return faults

    def _entry_fault(self, entity: str, entry: str) -> str | None:
        width, name = split_entry(entry)
        others = tuple(single for single in self.single_entities if single not in entity.split("+"))
        aggregate = aggregate_named(name, entities=others)
        if aggregate is None:
            # A list shared by several configurations may count the ids of an entity that this one leaves out.
            if entry in DEFAULT_AGGREGATES.get(entity, ()):
                return None
            known = known_names(others)
            own = "; one of your own comes from a module that features.plugins names"
            return f"must be one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}{own}"
        if width is not None and not aggregate.windowed:
            return f"{name!r} takes no window, got {entry!r}"
        return f"a window must be longer than 0, got {entry!r}" if width == 0 else None

    def _other_faults(self) -> list[str]:
        faults = [f"windows: must be longer than 0, got {duration_text(w)!r}" for w in self.windows if w == 0]
        if self.horizon == 0:
            faults.append("horizon: must be longer than 0, got '0d'")
        if len(set(self.windows)) < len(self.windows):
            faults.append("windows: each length once")
        faults += [
            f"calendar: must be one of {', '.join(CALENDAR)}, got {n!r}{did_you_mean(n, CALENDAR)}"
            for n in self.calendar
            if n not in CALENDAR
        ]
        if "card" in self.identities:
            faults.append("identities: a card is never a model input")
        return faults


def split_entry(entry: str) -> tuple[int | None, str]:
    """An aggregate with its own window ("90d_count") in microseconds and name; without one, None and the name."""
    match = re.fullmatch(r"([0-9]+[dhms])_(.+)", entry)
    return (duration_microseconds(match[1]), match[2]) if match else (None, entry)
