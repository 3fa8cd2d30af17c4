"""The judged twin of a refit: what a bundle's manifest says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TWIN = "judged"
"""The output of a graph that is the judged model's P(fraud), and the folder of a bundle with its numbers."""


@dataclass(frozen=True)
class Twin:
    """Until when the judged model and the refit that ships have seen events, microseconds since 1970."""

    judged_seen_until: int
    shipped_seen_until: int


def twin_of(manifest: Mapping[str, Any]) -> Twin | None:
    """The twin of a bundle's shipped model; None where what ships is what was judged."""
    judged, refit = manifest.get("judged"), manifest.get("refit")
    if not isinstance(judged, dict) or not isinstance(refit, dict):
        return None
    one, other = (each.get("seen_until_microseconds") for each in (judged, refit))
    if not isinstance(one, int) or not isinstance(other, int) or TWIN not in manifest.get("outputs", ()):
        return None
    return Twin(one, other)


def compared_output(manifest: Mapping[str, Any]) -> tuple[str, object]:
    """Which output a bundle is compared with others by, and until when its model has seen events.

    Models are compared judged with judged: a refit has seen the rows that the next night judges by.
    """
    twin = twin_of(manifest)
    if twin is not None:
        return TWIN, twin.judged_seen_until
    return "probability", manifest.get("seen_until_microseconds")
