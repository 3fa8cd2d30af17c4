"""What a store says when something goes wrong, in Harbor's own words: its own may hold names of keys and requests."""

import contextlib
import re
from collections.abc import Iterator
from typing import NoReturn

import pyarrow as pa

from pipeline.storage.addresses import CREDENTIALS
from pipeline.storage.errors import InputError

REFUSED_KINDS = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE|TOKEN|UNRECOGNIZED_CLIENT|MISSING_AUTH|PERMISSION_DENIED|UNAUTHENTICATED"
)
REFUSED_WORDS = re.compile(r"ExpiredToken|OAuth2 access token|No credentials")
NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|Bucket '.*' not found")
MISSING = re.compile(r"NO_SUCH_KEY|RESOURCE_NOT_FOUND|NOT_FOUND|no such file", re.IGNORECASE)


class StoreError(OSError):
    """A store that cannot be reached or that failed: the same command may succeed later."""


@contextlib.contextmanager
def errors_in_words(uri: str) -> Iterator[None]:
    """Errors of a store in Harbor's own words; errors of local files pass as they are.

    Args:
        uri: what was asked for, as messages show it.

    Raises:
        InputError: there is no such bucket, or access is refused.
        FileNotFoundError: there is no such object.
        StoreError: anything else, which may pass.
    """
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{uri} does not exist") from None
    except (OSError, pa.ArrowException) as error:
        if getattr(error, "errno", None) is not None or isinstance(error, StoreError):
            raise
        _refuse_or_fail(uri, str(error))


def _refuse_or_fail(uri: str, message: str) -> NoReturn:
    scheme = uri.partition("://")[0]
    code = re.search(r"AWS Error (\w+)|Status\((\w+)", message)
    kind = next((each for each in code.groups() if each), "") if code is not None else ""
    if NO_BUCKET.search(message):
        raise InputError(f"{uri}: there is no such bucket") from None
    if REFUSED_KINDS.search(kind) or REFUSED_WORDS.search(message):
        raise InputError(
            f"{uri}: the store refuses access; check {CREDENTIALS[scheme]} in the environment, and what it may do"
        ) from None
    if MISSING.search(kind or message):
        raise FileNotFoundError(f"{uri} does not exist") from None
    raise StoreError(f"{uri}: the store cannot be reached or failed ({kind or 'no reason given'})") from None
