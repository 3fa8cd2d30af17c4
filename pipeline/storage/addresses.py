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
    r"(?<=://)(?!(?:s3|gs)://)[^/@\s'\"]*:[^@\s]*(?=@)|(?<=://)[\w.~%+-]{20,}(?=@)"
    r"|(?<=://)(?!(?:s3|gs)://)[^/@\s'\"]*:(?!\d{1,5}(?:[/\s,?#]|$))(?:(?!://)[^@\n]){0,200}(?=@)"
    r"|(?<=[?&;])[\w%.-]*(?:passw|pwd|token|secret|api_?key|signature|credential)[\w%.-]*=[^&\s'\"]*",
    re.IGNORECASE,
)
"""What stands before a host's name with a password in it or as long as a token, and what is called a secret.

A table's address may hold a store's (`delta://s3://bank/tx@12`): what precedes the version there is no password."""
QUERY = re.compile(r"(?P<address>://[^\s?'\"]*\?)(?P<query>[^\s'\"]+)")
SERVER = re.compile(
    r"(?:(?:[A-Za-z0-9_.+-]{1,19}@)?(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:,[\w.-]+(?::\d{1,5})?)*)?"
    r"(?:/[^@\s'\"]*)?"
)
"""User, hosts, ports and a path; a user's name is shorter than a token."""
HARMLESS_QUERY = re.compile(r"(?:\w+=[\w./:,%-]*(?:[&;]|$))*|(?:#.*)?")
HARMLESS = frozenset(
    [
        "user",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "sslmode",
        "sslrootcert",
        "connect_timeout",
        "application_name",
        "target_session_attrs",
        "client_encoding",
        "charset",
        "timeout",
        "region",
        "scheme",
        "endpoint_override",
        "mode",
    ]
)
"""What a query may say openly; secrets have too many names to be listed."""


def holds_password(address: str) -> bool:
    """Whether an address is anything but user@host:port/path with a query that is known to be harmless.

    Secrets have too many spellings to be listed, so what is not known to be none counts as one.
    """
    found = ADDRESS.fullmatch(address)
    if found is None:
        return without_passwords(address) != address
    scheme, rest = found[1].lower(), found[2]
    if "://" in rest:  # a table in a store: delta://s3://bank/tx@12
        return holds_password(rest)
    if without_passwords(address) != address:
        return True
    return _names_more_than_a_place(rest) if scheme in PLACES else _is_no_plain_server(rest)


PLACES = (*CREDENTIALS, "delta", "iceberg", "file", "sqlite")
"""What names a bucket, a table or a file, in which most characters may stand."""


def _names_more_than_a_place(rest: str) -> bool:
    return ":" in rest.partition("?")[0].partition("/")[0].rpartition("@")[0]


def _is_no_plain_server(rest: str) -> bool:
    place, _, query = rest.partition("?")
    return not (SERVER.fullmatch(place) and HARMLESS_QUERY.fullmatch(query))


def without_passwords(text: str) -> str:
    """A text with the secrets in every address replaced by stars."""
    return PASSWORD.sub("***", QUERY.sub(_masked_query, text))


def _masked_query(found: re.Match[str]) -> str:
    pairs = (pair.partition("=") for pair in re.split("(?<=[&;])", found["query"]))
    shown = [
        f"{key}=***{value[-1:] if value[-1:] in ('&', ';') else ''}"
        if equals and unquote(key).lower() not in HARMLESS
        else f"{key}{equals}{value}"
        for key, equals, value in pairs
    ]
    return found["address"] + "".join(shown)
