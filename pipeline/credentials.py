"""Passwords in addresses: never accepted in a configuration, never shown in a message."""

import re

PASSWORD = re.compile(
    r"(?<=://)[^/@\s'\"]*:[^/\s'\"]*(?=@)|(?<=[?&])(?:password|passwd|pwd|sslpassword|token|secret_key)=[^&\s'\"]*",
    re.IGNORECASE,
)


def holds_password(address: str) -> bool:
    """Whether an address carries a password: `https://user:password@host` or `postgresql://host/db?password=…`."""
    return PASSWORD.search(address) is not None


def without_passwords(text: str) -> str:
    """A text with the passwords in every address replaced by stars."""
    return PASSWORD.sub("***", text)
