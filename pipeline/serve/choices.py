"""What a request asks for beside its row: another operating point, features, reasons."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from pipeline.serve.refusal import RefusalError, shown_field

EXPLAINED = ("features", "reasons")


@dataclass(frozen=True)
class Choices:
    """What a request's query asks for.

    Attributes:
        threshold: name of the operating point.
        features: whether the answer shows them.
        reasons: whether it explains rows that are not flagged too.
    """

    threshold: str
    features: bool = False
    reasons: bool = False


def chosen(query: bytes, *, threshold: str, known: Collection[str]) -> Choices:
    """The choices of a query; those that it does not make are the service's.

    Args:
        query: as it stands behind the question mark.
        threshold: the service's.
        known: names of operating points.

    Raises:
        RefusalError: 422, a key or a value is none that there is.
    """
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=4)
    except ValueError:
        raise RefusalError(422, "the query must be at most four pairs key=value") from None
    given = dict(pairs)
    if unknown := [shown_field(name) for name in given if name not in ("threshold", "explain")]:
        raise RefusalError(422, "the query may say threshold and explain", fields=unknown)
    name, explained = given.get("threshold", threshold), set(filter(None, given.get("explain", "").split(",")))
    if name not in known:
        raise RefusalError(422, f"threshold: must be one of {', '.join(sorted(known))}", fields=["threshold"])
    if not explained <= {*EXPLAINED}:
        raise RefusalError(422, f"explain: must be {' or '.join(EXPLAINED)}, or both", fields=["explain"])
    return Choices(name, "features" in explained, "reasons" in explained)
