"""Times as people write them on a command line and as arrays need them (microseconds since 1970, UTC)."""

from datetime import UTC, datetime

from pipeline.storage.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_microseconds(text: str) -> int:
    """An ISO 8601 date or time in microseconds since 1970; without a zone it is UTC.

    Raises:
        InputError: the text is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"a time must be ISO 8601 such as 2024-05-01 or 2024-05-01T06:00:00Z, got {text!r}") from None
    difference = moment - EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


def day_microseconds(moment: datetime) -> int:
    """The first microsecond of a moment's day in UTC: what a job that runs every night knows up to."""
    return time_microseconds(f"{moment.astimezone(UTC):%Y-%m-%d}")


def time_text(microseconds: int) -> str:
    """ISO 8601 in UTC, without a fraction where there is none."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=fraction)
    return moment.isoformat().replace("+00:00", "Z")


def time_name(microseconds: int | None) -> str:
    """A time as part of a folder's name; None is "history"."""
    return "history" if microseconds is None else time_text(microseconds).replace(":", "").replace("-", "")
