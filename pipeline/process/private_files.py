"""Files of a job are its user's alone: they hold card ids, labels and probabilities.

The mask of the process decides, so that it holds for every file that anything here makes, a database's among them.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping

from pipeline.storage.errors import InputError

MASK = "HARBOR_UMASK"
"""Environment variable with another mask, in octal digits: 027 lets a group read."""
PRIVATE = 0o077


@contextlib.contextmanager
def private_files(environment: Mapping[str, str]) -> Iterator[None]:
    """Meanwhile, files are made 0600 and folders 0700, or what HARBOR_UMASK leaves of 0666 and 0777.

    Raises:
        InputError: the variable holds no mask, or one that keeps the owner out.
    """
    before = os.umask(file_mask(environment))
    try:
        yield
    finally:
        os.umask(before)


def file_mask(environment: Mapping[str, str]) -> int:
    """The mask that is asked for.

    Raises:
        InputError: as `private_files`.
    """
    text = environment.get(MASK, "")
    if not text:
        return PRIVATE
    if not (len(text) <= 4 and all(digit in "01234567" for digit in text) and int(text, 8) <= PRIVATE):
        raise InputError(f"{MASK} must be octal digits from 000 to 077, such as 027, got {text[:20]!r}")
    return int(text, 8)
