"""What Harbor refuses: a caller's file, configuration, bundle or run that must be changed, not tried again.

The folders do not know one another, so each has a class of its own. Any other ValueError is a fault of the program:
libraries raise it for a torn file just as Python does for two lists of unequal length.
"""

import errno
from collections.abc import Sequence
from pathlib import Path

from evaluation.errors import InputError as EvaluationInputError
from features.errors import InputError as FeaturesInputError
from models.errors import InputError as ModelsInputError


class InputError(ValueError):
    """A caller's file, configuration, bundle or run cannot be worked with as it is."""


INPUT_ERRORS = (InputError, FeaturesInputError, ModelsInputError, EvaluationInputError)


PASSING = frozenset(
    {
        *(errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.ENOSPC),
        *(errno.EDQUOT, errno.ESTALE, errno.ENOLCK, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED),
        *(errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EREMOTEIO, errno.ETXTBSY),
    }
)
"""Errors of a system that is in trouble: what is asked for may be right, and may be there in a minute."""


def may_pass(error: BaseException) -> bool:
    """Whether trouble of the system lies behind an error, so that the same may succeed later."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, MemoryError) or (isinstance(behind, OSError) and behind.errno in PASSING):
            return True
        behind = behind.__cause__ or behind.__context__
    return False


def faults_text(faults: Sequence[str], where: str, *, most: int | None = None) -> str:
    """All faults of one thing in one message: counted, then a line each.

    Args:
        faults: what is wrong, a sentence each.
        where: what they are in, as the first line says.
        most: how many are shown; the rest are counted. None shows all.
    """
    shown = list(faults[:most])
    if len(shown) < len(faults):
        shown.append(f"and {len(faults) - len(shown)} more")
    return "\n  ".join([f"{len(faults)} fault{'s' * (len(faults) > 1)} in {where}", *shown])


def portable_message(error: Exception, folder: Path) -> str:
    """The error without this machine's folders: it goes into files that are the same everywhere."""
    text = " ".join(str(error).split()).replace(f"{folder}/", "").replace(str(folder), "the bundle")
    return text[:300] or type(error).__name__
