"""The secret under which card ids are hashed, named in [data] hash_key_env and held in the environment alone."""

import hmac
import os

from pipeline.sections import DataConfig
from pipeline.storage.secret_rules import check_secret

KEY_CHECK = b"harbor card_id"


def hash_key(data: DataConfig) -> bytes | None:
    """The secret; None where card ids are not hashed.

    Raises:
        InputError: the variable is named but holds no secret, or one that can be guessed.
    """
    if data.hash_key_env is None:
        return None
    key = os.environ.get(data.hash_key_env, "").encode()
    check_secret(key, what="data.hash_key_env: the environment variable it names")
    return key


def hash_key_check(data: DataConfig) -> str | None:
    """A value that tells one secret from another and gives neither away; None without one.

    Raises:
        InputError: as `hash_key`.
    """
    key = hash_key(data)
    return hmac.digest(key, KEY_CHECK, "sha256").hex()[:16] if key else None
