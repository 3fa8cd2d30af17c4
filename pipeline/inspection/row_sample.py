"""Some rows from all over the first part of the files, as their columns stand there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.schema.column_text import decoded, text_values
from pipeline.inspection.text_form import TextForm
from pipeline.reading.batches import header, source_batches
from pipeline.reading.header_names import no_header, quoted_names
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError

BATCHES = 8
ROWS_OF_BATCH = 4_096


@dataclass(frozen=True)
class RowSample:
    """Columns of some rows.

    Attributes:
        raw: as the files hold them, bytes or typed.
        columns: the same decoded.
        texts: the same as trimmed text, null where blank.
        rows: how many.
    """

    raw: pa.Table
    columns: Mapping[str, pa.Array]
    texts: Mapping[str, pa.Array]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.raw.num_rows)

    @property
    def names(self) -> list[str]:
        """The columns in the order of the file."""
        return list(self.raw.column_names)


def row_sample(files: Sequence[SourceFile], form: TextForm) -> RowSample:
    """Up to 4,096 rows of each of the first batches, evenly; of many files, of some of them.

    Raises:
        InputError: a file cannot be read, has no header or no rows, or the files have different columns.
    """
    names = _names(files, form)
    places = np.linspace(0, len(files) - 1, min(BATCHES, len(files))).round().astype(int)
    chosen = [files[place] for place in dict.fromkeys(places.tolist())]
    raw = pa.concat_tables(
        [part for file in chosen for part in _some_rows(file, names, form, BATCHES // len(chosen))],
        promote_options="permissive",
    )
    if not raw.num_rows:
        raise InputError(f"{files[0].place}: must hold rows, got 0")
    columns = {name: decoded(raw.column(name))[0] for name in names}
    return RowSample(raw, columns, {name: text_values(column) for name, column in columns.items()})


def _names(files: Sequence[SourceFile], form: TextForm) -> list[str]:
    headers = [list(header(file, delimiter=form.delimiter, encoding=form.encoding).names) for file in files]
    first = headers[0]
    if no_header([name for name in first if name.strip()]):
        raise InputError(f"{files[0].place}: must begin with a header, but its first line holds values and no names")
    for file, names in zip(files, headers, strict=True):
        if apart := sorted(set(names) ^ set(first)):
            raise InputError(
                f"{file.place} and {files[0].place}: files of one kind must hold the same columns, in one of them only "
                f"are {quoted_names(apart[:12])}; a file of further columns or of chargebacks is named in the preset "
                "([join], [chargebacks])"
            )
    return first


def _some_rows(file: SourceFile, names: Sequence[str], form: TextForm, batches: int) -> Iterator[pa.Table]:
    read = source_batches(file, columns=names, delimiter=form.delimiter, encoding=form.encoding)
    for number, batch in enumerate(read, start=1):
        yield _evenly(batch)
        if number == max(1, batches):
            return


def _evenly(batch: SourceBatch) -> pa.Table:
    rows = batch.table.num_rows
    return batch.table.take(pa.array(np.unique(np.linspace(0, max(rows - 1, 0), min(rows, ROWS_OF_BATCH)).astype(int))))
