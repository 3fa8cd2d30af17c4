"""The secret under which card ids are hashed, named in [data] hash_key_env and held in the environment alone."""

import hmac
import os

from pipeline.sections import DataConfig
from pipeline.storage.errors import InputError

MINIMUM_KEY_BYTES = 16
KEY_CHECK = b"harbor card_id"


def hash_key(data: DataConfig) -> bytes | None:
    """The secret; None where card ids are not hashed.

    Raises:
        InputError: the variable is named but holds no secret, or too short a one.
    """
    if data.hash_key_env is None:
        return None
    key = os.environ.get(data.hash_key_env, "").encode()
    if len(key) < MINIMUM_KEY_BYTES:
        raise InputError(
            f"data.hash_key_env: the environment variable {data.hash_key_env!r} must hold a secret of at least "
            f"{MINIMUM_KEY_BYTES} bytes, got {len(key)}"
        )
    return key


def hash_key_check(data: DataConfig) -> str | None:
    """A value that tells one secret from another and gives neither away; None without one.

    Raises:
        InputError: as `hash_key`.
    """
    key = hash_key(data)
    return hmac.digest(key, KEY_CHECK, "sha256").hex()[:16] if key else None
