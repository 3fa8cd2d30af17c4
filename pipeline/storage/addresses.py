"""Addresses of files and folders: what they are, what they must not hold, how a message shows them."""

import re
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline.storage.errors import InputError

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


ADDRESS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)", re.DOTALL)


CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, or a role)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS (or a service account)",
}


def is_remote(text: str) -> bool:
    """Whether a text is the address of a place in an object store."""
    return text.startswith(tuple(f"{scheme}://" for scheme in CREDENTIALS))


def local_path(text: str) -> Path:
    """The path that a plain text or a `file://` address names.

    Raises:
        InputError: it is another kind of address.
    """
    found = ADDRESS.fullmatch(text)
    if found is None:
        return user_path(text)
    parts = address_parts(text.replace("?", "%3F").replace("#", "%23"))
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        refuse_address(text, "must be a path, or an address that begins with s3://, gs:// or file:///")
    return Path(unquote(parts.path))


def user_path(text: str) -> Path:
    """The path that a text names; `~` is a home folder, as in a shell, which does not see what stands in a setting.

    Raises:
        InputError: nobody has that home.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InputError(f"{text[:200]}: '~' must stand for a home folder, but there is none") from None


def plain_name(name: str) -> bool:
    """Whether a relative name stays below the folder it is joined to, on any system."""
    return not any(part in ("", ".", "..") for part in name.split("/")) and not re.search(r"[\\\0]", name)


def address_parts(uri: str) -> SplitResult:
    """An address taken apart.

    Raises:
        InputError: it is none.
    """
    try:
        return urlsplit(uri)
    except ValueError as error:
        refuse_address(uri, f"must be an address that can be read ({error})")


def shown_address(uri: str) -> str:
    """An address as a message may show it: without user, password or query."""
    return re.sub(r"(?<=://)[^/@]*@", "***@", uri.partition("?")[0] if not is_remote(uri) else uri)


def refuse_address(uri: str, reason: str) -> NoReturn:
    """Refuse an address, shown without what it must not hold.

    Raises:
        InputError: always.
    """
    raise InputError(f"{shown_address(uri)[:200]}: {reason}")


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
