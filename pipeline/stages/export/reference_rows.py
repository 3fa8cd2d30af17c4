"""The rows that payments are compared with to say why they were flagged: the most ordinary legitimate ones of train."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.bundle.reason_file import FEWEST_REFERENCES, MOST_REFERENCES
from pipeline.bundle.signature import Signature, feature_arrays
from pipeline.storage.errors import InputError

LOOKED_AT = 4096
"""Legitimate rows among which the ordinary ones are looked for."""
RULE = (
    f"Of {LOOKED_AT:,} legitimate rows of train, evenly spaced in their order, the {MOST_REFERENCES} whose columns lie "
    "nearest to their medians by rank, categories by how common they are, all groups counting alike; nearest first."
)


def reference_rows(train: pa.Table, signature: Signature, groups: Sequence[Collection[str]]) -> pa.Table:
    """The reference rows of a bundle, the most ordinary first; the same rows give the same ones.

    Rows at random differ from one another in all that makes payments differ, so two draws of eight name other second
    and third reasons for one alert. Ordinary rows agree with each other and with their medians, and it is they that a
    reader thinks of on being told how a payment stands out.

    Args:
        train: feature rows with their `label`, null where that is not known.
        signature: of the graph that is to be explained.
        groups: names of the columns that give a reason together; a group counts as much as another, however many
            columns it has.

    Raises:
        InputError: fewer than eight rows are legitimate, or the table does not have the graph's columns.
    """
    places = np.flatnonzero(pc.fill_null(pc.equal(train["label"], 0), False).to_numpy(zero_copy_only=False))
    if len(places) < FEWEST_REFERENCES:
        raise InputError(
            f"reasons need {FEWEST_REFERENCES} legitimate rows in train to compare with, got {len(places)}"
        )
    parts = min(len(places), LOOKED_AT)
    rows = train.take(pa.array(places[((np.arange(parts) + 0.5) * len(places) / parts).astype(int)]))
    columns = feature_arrays(rows, signature)
    oddness = {name: _oddness(columns[name][:, 0], numeric=name in signature.numeric) for name in signature.inputs}
    total = sum(np.mean([oddness[name] for name in names], axis=0) for names in groups)
    return rows.take(pa.array(np.argsort(total, kind="stable")[:MOST_REFERENCES]))


def _oddness(column: np.ndarray, *, numeric: bool) -> np.ndarray:
    """How far each value is from the middle, 0 to 0.5: numbers by their rank, texts by how rare they are [N]."""
    values = np.where(np.isnan(column), -np.inf, column) if numeric else column.astype(str)
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    away = np.abs((np.cumsum(counts) - counts / 2) / len(values) - 0.5) if numeric else 0.5 - counts / counts.max() / 2
    found: np.ndarray = away[place]
    return found
