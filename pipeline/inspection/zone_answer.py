"""What somebody means who names a time zone: its whole name in any case, or its city where one zone ends in that."""

from zoneinfo import available_timezones

from pipeline.storage.errors import InputError

NO_ZONES = {"localtime", "Factory"}
"""Names that mean another zone on every machine."""
SHOWN = 4


def zone_answer(answer: str) -> str:
    """The name of the zone that an answer means.

    >>> zone_answer("europe/berlin"), zone_answer("New York"), zone_answer("utc")
    ('Europe/Berlin', 'America/New_York', 'UTC')

    Args:
        answer: as it was typed.

    Raises:
        InputError: no zone is called so, or more than one.
    """
    said = "_".join(answer.split()).casefold()
    zones = sorted(available_timezones() - NO_ZONES)
    found = [zone for zone in zones if zone.casefold() == said] or [zone for zone in zones if _ends_in(zone, said)]
    if len(found) == 1:
        return found[0]
    if found:
        rest = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise InputError(f"must be one time zone, got {answer!r}, which may be {', '.join(found[:SHOWN])}{rest}")
    raise InputError(
        f"must be the name of a time zone such as 'UTC' or 'Europe/Brussels', got {answer!r}; "
        "one that is always an hour ahead of UTC is called 'Etc/GMT-1'"
    )


def _ends_in(zone: str, city: str) -> bool:
    """Whether a zone is that of a city; of those that count hours none is, for their signs are turned round."""
    return zone.casefold().endswith(f"/{city}") and not zone.startswith("Etc/")
