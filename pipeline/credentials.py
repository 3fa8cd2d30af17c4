"""Passwords in addresses: never accepted in a configuration, never shown in a message."""

import re

PASSWORD = re.compile(r"(?<=://)[^/@\s'\"]*:[^/\s'\"]*(?=@)")


def holds_password(address: str) -> bool:
    """Whether an address such as `https://user:password@host` carries a password."""
    return PASSWORD.search(address) is not None


def without_passwords(text: str) -> str:
    """A text with `user:password` in every address replaced by stars."""
    return PASSWORD.sub("***", text)
