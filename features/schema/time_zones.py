"""Times on the clocks of a zone as moments, and those that the clocks skip or repeat."""

import re
from functools import lru_cache
from zoneinfo import available_timezones

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import text_values
from features.schema.faults import Mask, Parsed
from features.schema.instants import NOT_A_TIME
from features.times import MINUTE

OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>[01]?[0-9]|2[0-3])(?::?(?P<minutes>[0-5][0-9]))?")
"""A zone by its distance from UTC: +02:00, UTC-5."""
UTC_NAMES = frozenset({"UTC", "GMT", "Z", "Etc/UTC"})


def local_micros(stamps: pa.Array, zone: str) -> Parsed[NDArray[np.int64]]:
    """Microseconds since 1970 of times on the clocks of one zone, NOT_A_TIME where there is none or more than one.

    Args:
        stamps: timestamps in µs without a zone [N].
        zone: its name.
    """
    if zone == "UTC":
        return Parsed(stamp_micros(stamps), {})
    first, last = (
        pc.assume_timezone(stamps, zone, ambiguous=side, nonexistent=side) for side in ("earliest", "latest")
    )
    twice: Mask = pc.fill_null(pc.not_equal(first, last), False).to_numpy(zero_copy_only=False)
    what = f"must name one moment in {zone}, a clock change leaves none or two"
    return Parsed(np.where(twice, NOT_A_TIME, stamp_micros(first)), {what: twice})


def micros_of_zones(stamps: pa.Array, zones: pa.Array, *, quotes: str = "") -> Parsed[NDArray[np.int64]]:
    """The same of times whose zones stand beside them, a name or a distance from UTC for each [N]."""
    encoded = text_values(zones, quotes=quotes).dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    micros, faults = np.full(len(stamps), NOT_A_TIME), {}
    unknown = pc.is_valid(stamps).to_numpy(zero_copy_only=False)
    for code, name in enumerate(encoded.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == code)
        read = _of_zone(stamps.take(pa.array(rows)), name)
        if read is None:
            continue
        micros[rows], unknown[rows] = read.values, False
        for what, mask in read.faults.items():
            faults[what] = np.isin(np.arange(len(stamps)), rows[mask])
    faults["must stand beside its zone, a name such as Europe/Brussels or a distance from UTC such as +02:00"] = unknown
    return Parsed(micros, faults)


def stamp_micros(stamps: pa.Array) -> NDArray[np.int64]:
    """Timestamps in µs as int64 [N], NOT_A_TIME where null."""
    whole: NDArray[np.int64] = pc.fill_null(pc.cast(stamps, pa.int64()), NOT_A_TIME).to_numpy(zero_copy_only=False)
    return whole


def _of_zone(stamps: pa.Array, name: str) -> Parsed[NDArray[np.int64]] | None:
    """Times of one zone; None where there is none of this name."""
    if name.upper() in UTC_NAMES:
        return local_micros(stamps, "UTC")
    if name in _zone_names():
        return local_micros(stamps, name)
    offset = OFFSET.fullmatch(name)
    if offset is None:
        return None
    minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
    micros, east = stamp_micros(stamps), minutes * MINUTE * (-1 if offset["sign"] == "-" else 1)
    return Parsed(np.where(micros == NOT_A_TIME, NOT_A_TIME, micros - east), {})


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
