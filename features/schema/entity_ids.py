"""Entity ids made of several columns, and card ids as keyed hashes."""

import hmac
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.faults import Parsed, marked_rows, merged_masks
from features.schema.number_text import NumberFormat, read_numbers
from features.schema.preset import IdColumn, IdPart
from features.schema.values import Spelling, identifiers
from features.times import DAY

HASH_CHARACTERS = 32
"""128 bits: among a billion cards two share a hash with probability 1.5e-21."""


def entity_ids(
    columns: Mapping[str, pa.Array], *, name: str, spec: IdColumn, elapsed: NDArray[np.int64], quotes: str = ""
) -> Parsed[pa.Array] | None:
    """Ids of one entity, null where the source has none; None if its columns are not there at all.

    Args:
        columns: source columns by role (`card_id`, or `card_id.0`, `card_id.1`, ... for the parts).
        name: of the entity.
        spec: how the preset makes the id.
        elapsed: microseconds from the preset's origin to the event [N].
        quotes: quote characters to take off.
    """
    if spec.column is not None:
        column = columns.get(name)
        if column is None:
            return None
        return identifiers(column, name=name, integer=spec.type == "integer", quotes=quotes, spelling=spec.spelling)
    pieces: list[Parsed[pa.Array]] = []
    for index, part in enumerate(spec.parts):
        column = columns.get(f"{name}.{index}")
        if column is None and not part.optional:
            return None
        if column is not None:
            pieces.append(_piece(column, part, spec, name=name, elapsed=elapsed, quotes=quotes))
    joined = pc.binary_join_element_wise(*(piece.values for piece in pieces), "_")
    return Parsed(joined, merged_masks(piece.faults for piece in pieces))


def keyed_hashes(ids: pa.Array, *, key: bytes) -> pa.Array:
    """HMAC-SHA-256 of each id's text under a secret key, so that no output holds the id itself.

    A plain hash of a card number is no protection: all 16-digit numbers can be tried. Equal ids keep equal hashes, so
    entity windows stay the same.

    Args:
        ids: int64 or text; nulls stay null.
        key: the secret.
    """
    distinct = pc.dictionary_encode(pc.cast(ids, pa.string()))
    hashes = [
        hmac.digest(key, text.encode(), "sha256").hex()[:HASH_CHARACTERS] for text in distinct.dictionary.to_pylist()
    ]
    return pa.array(hashes, pa.string()).take(distinct.indices)


def _piece(
    column: pa.Array, part: IdPart, spec: IdColumn, *, name: str, elapsed: NDArray[np.int64], quotes: str
) -> Parsed[pa.Array]:
    """One part of an id as text, null where missing, or "" where it may be."""
    if part.kind == "id":
        spelling = Spelling(spec.missing, whole_numbers=True, upper=spec.upper)
        parsed = identifiers(column, name=name, integer=False, quotes=quotes, spelling=spelling)
        text, faults = pc.cast(parsed.values, pa.string()), parsed.faults
    else:
        read = read_numbers(column, NumberFormat(), quotes=quotes, missing_text=("na", "nan"))
        days, unreadable = read.values, marked_rows(read.unread, len(column))
        given = np.isfinite(days)
        first = np.floor(elapsed / DAY - np.where(given, days, 0.0)).astype(np.int64)
        text = pc.cast(pa.array(first, mask=~given), pa.string())
        faults = {f"{name}: must be made of a number of days": unreadable | np.isinf(days)}
    return Parsed(pc.fill_null(text, "") if part.optional else text, faults)
