"""Random streams by name: what is drawn for one purpose never moves what is drawn for another."""

from collections.abc import Iterable

import numpy as np


def named_streams(rng: np.random.Generator, names: Iterable[str]) -> dict[str, np.random.Generator]:
    """A child of the generator for each purpose, in the order of the names; a purpose is added at the end.

    >>> draw = named_streams(np.random.default_rng(7), ("headline", "nulls"))
    >>> longer = named_streams(np.random.default_rng(7), ("headline", "nulls", "slices"))
    >>> bool(draw["nulls"].random() == longer["nulls"].random())
    True
    """
    kept = tuple(names)
    return dict(zip(kept, rng.spawn(len(kept)), strict=True))


def stream_of(rng: np.random.Generator, name: str) -> np.random.Generator:
    """The child that belongs to a name, whichever other names there are and in whatever order they come.

    >>> one, other = (stream_of(np.random.default_rng(7), name) for name in ("hybrid", "hybrid"))
    >>> bool(one.random() == other.random())
    True

    Raises:
        ValueError: the generator was not made from a seed sequence, so it has no children.
    """
    seed = rng.bit_generator.seed_seq
    if not isinstance(seed, np.random.SeedSequence):
        raise ValueError(f"a generator with children must be made from a SeedSequence, got {type(seed).__name__}")
    key = (*seed.spawn_key, *name.encode())
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))
