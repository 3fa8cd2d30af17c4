"""The signature of a manifest: by a pair of keys (Ed25519), or under one secret that both sides know (HMAC).

Whoever can verify an HMAC can also make one. With a pair, those who verify hold the public key, and it signs nothing.
"""

import hashlib
import hmac
import os
import re
from pathlib import Path
from typing import Any

from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import plain_content

SEAL = "manifest.sig"
PAIR = re.compile(rb"ed25519-(private|public):([0-9a-f]{64})")
"""How a key of a pair is written: 32 bytes (RFC 8032) as hexadecimal digits."""


def sealed(manifest: bytes, key: bytes) -> bytes:
    """The content of manifest.sig.

    Raises:
        InputError: the key is one that verifies only.
    """
    pair = _pair(key)
    if pair is None:
        return f"hmac-sha256 {hmac.new(key, manifest, hashlib.sha256).hexdigest()}\n".encode()
    if pair[0] == b"public":
        raise InputError("a bundle must be signed with the private key of the pair, but the public one is set")
    return f"ed25519 {_private(pair[1]).sign(manifest).hex()}\n".encode()


def check_seal(folder: Path, manifest: bytes, key: bytes) -> None:
    """Refuse a manifest that the key did not sign.

    Args:
        folder: of the bundle.
        manifest: its bytes.
        key: private or public key of a pair, or a secret.

    Raises:
        InputError: there is no signature, or it is of another key, kind or manifest.
    """
    if not os.path.lexists(folder / SEAL):
        raise InputError(f"a key is set, so {folder} must have a {SEAL}, but it has none")
    content, pair = plain_content(folder / SEAL, limit=1024), _pair(key)
    right = hmac.compare_digest(content, sealed(manifest, key)) if pair is None else _is_signed(content, manifest, pair)
    if not right:
        raise InputError(f"{folder / SEAL} must be the manifest's signature with the key that is set; it is another")


def is_sealed(folder: Path) -> bool:
    """Whether a bundle comes with a signature."""
    return os.path.lexists(folder / SEAL)


def public_key(private: bytes) -> bytes:
    """What those who verify are to set, of a private key as it is written.

    Raises:
        InputError: it is no private key.
    """
    pair = _pair(private)
    if pair is None or pair[0] != b"private":
        raise InputError("the key must be ed25519-private: and 64 hexadecimal digits")
    raw: bytes = _private(pair[1]).public_key().public_bytes_raw()
    return b"ed25519-public:" + raw.hex().encode()


def _is_signed(content: bytes, manifest: bytes, pair: tuple[bytes, bytes]) -> bool:
    found = re.fullmatch(rb"ed25519 ([0-9a-f]{128})\n", content)
    if found is None:
        return False
    from cryptography.exceptions import InvalidSignature

    try:
        _public(pair).verify(bytes.fromhex(found[1].decode()), manifest)
    except InvalidSignature:
        return False
    return True


def _pair(key: bytes) -> tuple[bytes, bytes] | None:
    """Which half, and its bytes; None where the key is a secret.

    Raises:
        InputError: it begins like a key of a pair and is none.
    """
    found = PAIR.fullmatch(key.strip())
    if found is None and key.lstrip().startswith(b"ed25519"):
        raise InputError(
            "the key must be ed25519-private: or ed25519-public: and 64 hexadecimal digits; it is not shown"
        )
    return None if found is None else (found[1], bytes.fromhex(found[2].decode()))


def _private(seed: bytes) -> Any:
    return _ed25519().Ed25519PrivateKey.from_private_bytes(seed)


def _public(pair: tuple[bytes, bytes]) -> Any:
    half, content = pair
    if half == b"private":
        return _private(content).public_key()
    return _ed25519().Ed25519PublicKey.from_public_bytes(content)


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise InputError('a pair of keys needs cryptography: pip install "harbor-fraud[sign]"') from error
    return ed25519
