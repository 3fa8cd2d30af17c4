"""Categories as small whole numbers: an explicit table from value to code, 0 for whatever the table does not hold.

The table is explicit even where values share a bucket, so that any system with a dictionary, an ONNX graph among them,
reproduces a code without knowing the hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

UNKNOWN = 0
MISSING = ""
"""How a null is spelled: a value like any other, so a missing category can be informative."""


@dataclass(frozen=True)
class Vocabulary:
    """Values and the code each has: 1 to K for the most frequent ones, then shared buckets.

    Attributes:
        codes: code of each known value; every other value is UNKNOWN.
        size: one more than the largest code, the height of an embedding table.
    """

    codes: Mapping[str, int]
    size: int

    def apply(self, values: pa.ChunkedArray) -> NDArray[np.int32]:
        """Codes of a column of strings, int32 [N]; null counts as ""."""
        encoded = pc.dictionary_encode(pc.fill_null(pc.cast(values, pa.string()), MISSING)).unify_dictionaries()
        if encoded.num_chunks == 0:
            return np.empty(0, np.int32)
        distinct = encoded.chunk(0).dictionary.to_pylist()
        table = np.fromiter((self.codes.get(value, UNKNOWN) for value in distinct), np.int32, len(distinct))
        return np.take(table, np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks]))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {"codes": dict(self.codes), "size": self.size}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Vocabulary":
        """The vocabulary that `to_dict` described."""
        return cls({str(value): int(code) for value, code in state["codes"].items()}, int(state["size"]))


def fit_vocabulary(values: pa.ChunkedArray, *, min_count: int, max_size: int, buckets: int) -> Vocabulary:
    """A vocabulary of the values that occur often enough.

    Values seen at least `min_count` times get codes of their own, the most frequent first and ties by value, up to
    `max_size` of them. Further ones share `buckets` codes by a stable hash (BLAKE2, Aumasson et al., 2013). Rarer
    values stay UNKNOWN, which thereby has been seen in training.
    """
    counted = pc.value_counts(pc.fill_null(pc.cast(values, pa.string()), MISSING))
    frequent = sorted(
        (-count, value)
        for value, count in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        if count >= min_count
    )
    own = [value for _, value in frequent[:max_size]]
    shared = [value for _, value in frequent[max_size:]]
    codes = {value: code for code, value in enumerate(own, start=1)}
    codes |= {value: len(own) + 1 + _bucket(value, buckets) for value in shared}
    return Vocabulary(codes, 1 + len(own) + (buckets if shared else 0))


def code_pairs(now: Vocabulary, then: Vocabulary) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The codes of every value that `now` knows, and the codes that `then` had for them, UNKNOWN for new ones [K]."""
    values = list(now.codes)
    return (
        np.array([now.codes[value] for value in values], np.int64),
        np.array([then.codes.get(value, UNKNOWN) for value in values], np.int64),
    )


def _bucket(value: str, buckets: int) -> int:
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "big") % buckets
