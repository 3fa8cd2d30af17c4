"""Who may do what: bearer tokens by scope, of which the file holds digests alone."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.serve.refusal import RefusalError
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.untrusted import plain_content

SCOPES = ("score", "label", "read")
LARGEST_FILE = 1 << 20
LINE = re.compile(rf"({'|'.join(SCOPES)})\s+([0-9a-f]{{64}})")
BEARER = b"bearer "
LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class Access:
    """Digests of tokens by scope; without any, everybody on the loopback address may do everything."""

    digests: Mapping[str, tuple[bytes, ...]]

    @property
    def is_open(self) -> bool:
        """Whether nobody needs a token."""
        return not any(self.digests.values())

    def check(self, scope: str, authorization: bytes) -> None:
        """Refuse a request whose token is not of a scope; all digests are compared, in constant time.

        Raises:
            RefusalError: 401 without a known token, 403 with one of another scope.
        """
        if self.is_open:
            return
        token = authorization[len(BEARER) :] if authorization[: len(BEARER)].lower() == BEARER else b""
        digest = hashlib.sha256(token[:LONGEST_TOKEN]).digest()
        held = {
            name
            for name, known in self.digests.items()
            if [hmac.compare_digest(digest, each) for each in known].count(True)
        }
        if not held:
            raise RefusalError(401, "a bearer token must be given that this service knows")
        if scope not in held:
            raise RefusalError(403, f"the token must be of the scope {scope}")


def read_access(path: Path | None) -> Access:
    """The tokens of a file: a line each, `scope sha256-of-the-token`; blank lines and those after # are left out.

    Raises:
        InputError: the file cannot be read, or a line is not so; it is told by its number.
    """
    if path is None:
        return Access({})
    lines = plain_content(path, limit=LARGEST_FILE).decode("utf-8", "replace").splitlines()
    found: dict[str, list[bytes]] = {scope: [] for scope in SCOPES}
    faults = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        match = LINE.fullmatch(text)
        if match is not None:
            found[match[1]].append(bytes.fromhex(match[2]))
        elif text:
            faults.append(f"line {number}: must be one of {', '.join(SCOPES)} and a SHA-256 in 64 hexadecimal digits")
    if faults:
        raise InputError(faults_text(faults, str(path), most=5))
    if not any(found.values()):
        raise InputError(f"{path} must hold at least one token, got none")
    return Access({scope: tuple(digests) for scope, digests in found.items()})
