"""What is wrong with a file that a library cannot read: the kind of fault, and no value.

Libraries quote the value or the whole row in their messages, and rows hold card numbers.
"""

import re

from pipeline.storage.masking import MARK, masked

QUOTED = re.compile(r"(invalid value|columns, got \d+|Invalid value\.).*")


def reading_fault(error: BaseException) -> str:
    """What a reader says of a file in its first line, without the values or the row that it quotes."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return masked(re.sub(r"'[^']*'|\"[^\"]*\"", MARK, QUOTED.sub(r"\1", line)))
