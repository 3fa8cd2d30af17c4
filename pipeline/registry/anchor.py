"""The anchor: which version was in production a while ago, as a fixed point to compare with.

A candidate that is never proven worse than yesterday's champion may be a little worse every night. Held against the
champion of some months ago as well, many small steps down become one that shows.
"""

import json

from features.times import DAY
from pipeline.registry.ledger import Promotion, Tenure, tenures
from pipeline.registry.model_registry import Registry, Version


def anchor_tenure(promotions: list[Promotion], *, moment: int) -> Tenure | None:
    """The time in production that a moment falls into, or the first one after it; None where there is none.

    Args:
        promotions: the ledger's lines on one model, in order.
        moment: microseconds since 1970.
    """
    return next((each for each in tenures(promotions) if each.until is None or each.until > moment), None)


def anchor_version(registry: Registry, champion: Version, *, days: int, now: int) -> Version | None:
    """The version that was champion some days ago, or the first since then; None where it is the champion itself.

    Args:
        registry: carries the ledger's lines beside the model, whichever machine wrote them.
        champion: the version in production.
        days: how long ago; 0 asks for no anchor.
        now: microseconds since 1970.
    """
    if days == 0:
        return None
    lines = [Promotion.from_dict(json.loads(text)) for text in registry.promotions().values()]
    tenure = anchor_tenure(lines, moment=now - days * DAY)
    if tenure is None or tenure.version == champion.number or not tenure.manifest:
        return None
    return registry.with_manifest(tenure.manifest)
