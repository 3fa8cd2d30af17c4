"""What is wrong with a file that a library cannot read: the kind of fault, and no value.

Libraries quote the value or the whole row in their messages, and rows hold card numbers.
"""

import re

from pipeline.storage.masking import MARK, masked

CSV_BLOCK_BYTES = 16 << 20
HEADER_BYTES = 1 << 20
"""Bytes that the CSV reader holds at once: no record is longer, no header longer than the second."""
TOO_LONG = ("straddling object", "cannot infer number of columns")
QUOTED = re.compile(r"(invalid value|columns, got \d+|Invalid value\.).*")


def reading_fault(error: BaseException) -> str:
    """What a reader says of a file in its first line, without the values or the row that it quotes."""
    if any(sign in str(error) for sign in TOO_LONG):
        return f"a record must be shorter than {CSV_BLOCK_BYTES >> 20} MiB, the header than {HEADER_BYTES >> 20} MiB"
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return masked(re.sub(r"'[^']*'|\"[^\"]*\"", MARK, QUOTED.sub(r"\1", line)))
