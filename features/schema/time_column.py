"""What a preset may say of a time: how it is written, in which zone, in which unit, and between what it must lie."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.errors import InputError
from features.schema.source_columns import Names, Strict
from features.times import DAY, duration_microseconds

NANOSECONDS = "ns"
"""The one unit that is no whole number of microseconds."""
UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000}
"""Microseconds in one step of the clocks that data bases and programs count by."""


def _format(form: str) -> str:
    from features.schema.date_formats import date_format  # it loads pyarrow, which a refusal must not wait for

    date_format(form)
    return form


def _unit(value: object) -> object:
    if value == NANOSECONDS:
        return value
    if isinstance(value, str) and value in UNITS:
        return UNITS[value]
    length = duration_microseconds(f"1{value}" if isinstance(value, str) and value in set("dhms") else value)
    if not length:
        raise InputError("must be longer than nothing, such as 's', 'ms', 'us', 'ns' or '1d'")
    return length


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


Unit = Annotated[int | Literal["ns"], BeforeValidator(_unit)]
"""Microseconds, or nanoseconds by name."""
Moment = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_in_utc)]
Zone = Annotated[str, BeforeValidator(_zone)]


class TimeColumn(Strict):
    """When it happened: absolute text or stamps, time since an arbitrary start, or a date in several columns."""

    kind: Literal["datetime", "epoch", "elapsed", "parts"] = Field(
        "datetime",
        description="text or stamps; whole steps since 1970; steps since origin; a date in several columns",
    )
    column: Names | None = Field(None, description="source column; with `time` beside it, of the date alone")
    formats: tuple[Annotated[str, AfterValidator(_format)], ...] = Field(
        (), description="strptime formats tried in turn (%f: a fraction of a second); none: ISO 8601"
    )
    timezone: Zone = Field("UTC", description="zone of times that carry none")
    zone: Names | None = Field(
        None,
        description="source column with the zone of each row's time, a name or +02:00, where it carries none",
    )
    unit: Unit = Field(
        1_000_000, description="length of one step of epoch and elapsed: ns, us, ms, s, m, h, d or such as '30d'"
    )
    origin: Moment = Field(datetime(1970, 1, 1, tzinfo=UTC), description="what an elapsed 0 stands for")
    year: Names | None = Field(None, description="source column of the year, for kind parts")
    month: Names | None = Field(None, description="source column of the month, for kind parts")
    day: Names | None = Field(None, description="source column of the day, for kind parts")
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
        if stepped and (self.time or self.formats or self.zone):
            raise InputError(f"kind {self.kind!r} must give neither time, formats nor zone")
        return self

    @model_validator(mode="after")
    def _formats_mean_one_moment(self) -> "TimeColumn":
        if not self.formats:
            return self
        from features.schema.date_formats import names_a_zone, rival_formats

        rivals = rival_formats(self.formats)
        if rivals:
            raise InputError(f"formats must not read one text as two times, as {' and '.join(rivals)} do")
        lettered = [form for form in self.formats if names_a_zone(form)]
        if lettered and "timezone" not in self.model_fields_set:
            raise InputError(f"timezone must stand beside a format that ends in a zone's letters, got {lettered[0]!r}")
        return self

    @property
    def counts_days(self) -> bool:
        """Whether one step is a whole number of days."""
        return self.kind in ("epoch", "elapsed") and self.unit != NANOSECONDS and self.unit % DAY == 0
