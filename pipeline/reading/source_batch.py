"""Consecutive records of a source file, as the readers give them away."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class SourceBatch:
    """Consecutive records of one file.

    Attributes:
        table: the records that could be split into columns.
        row: their number in the file, from 1, the header apart [N].
        broken: number and reason of the records that could not.
        spare_lines: lines of the file so far that began no record: blank ones, and line breaks inside quoted values.
    """

    table: pa.Table
    row: NDArray[np.int64]
    broken: tuple[tuple[int, str], ...] = ()
    spare_lines: int = 0
