"""Ids as keys of 128 bits: what a state knows of a card, so that nobody can read the card from it."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

NULL = bytes(16)
"""The key of an id that is null."""
LONGEST_SECRET = 64
"""Bytes that BLAKE2b takes as a key."""


@dataclass(frozen=True)
class IdKeys:
    """Keyed hashes of ids (BLAKE2b, RFC 7693); without the secret nobody finds an id by trying all of them."""

    secret: bytes = b""
    _empty: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_empty", hashlib.blake2b(digest_size=16, key=self.secret))

    def key(self, identity: str | int | None) -> bytes:
        """16 bytes, the same for the number 17 and the text "17": a column holds one kind of them."""
        if identity is None:
            return NULL
        hashed = self._empty.copy()
        hashed.update(identity.encode() if isinstance(identity, str) else b"%d" % identity)
        digest: bytes = hashed.digest()
        return digest
