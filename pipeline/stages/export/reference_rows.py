"""The rows that payments are compared with to say why they were flagged: legitimate ones of train, of every score."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.bundle.reason_file import FEWEST_REFERENCES, MOST_REFERENCES
from pipeline.bundle.scorer import Scorer
from pipeline.storage.errors import InputError

LOOKED_AT = 4096
"""Legitimate rows that are scored for it; more of them would move the ranks by less than the model's own error."""
RULE = (
    f"Of {LOOKED_AT:,} legitimate rows of train, evenly spaced in their order, those at {MOST_REFERENCES} evenly "
    "spaced ranks of their probability, the lowest first."
)


def reference_rows(train: pa.Table, scorer: Scorer, *, threads: int = 1) -> pa.Table:
    """The reference rows of a bundle, lowest probability first; the same rows and graph give the same ones.

    Spread over the scores they stand for all of legitimate traffic, the odd tenth included, where rows taken at random
    would be ordinary ones alone, and any even choice among them is spread alike.

    Args:
        train: feature rows with their `label`, null where that is not known.
        scorer: of the graph that is to be explained.
        threads: batches scored side by side.

    Raises:
        InputError: fewer than eight rows are legitimate.
    """
    places = np.flatnonzero(pc.fill_null(pc.equal(train["label"], 0), False).to_numpy(zero_copy_only=False))
    if len(places) < FEWEST_REFERENCES:
        raise InputError(
            f"reasons need {FEWEST_REFERENCES} legitimate rows in train to compare with, got {len(places)}"
        )
    looked_at = places[_evenly(len(places), LOOKED_AT)]
    found = scorer.probabilities(train.take(pa.array(looked_at)), threads=threads)["probability"]
    order = np.argsort(found, kind="stable")
    return train.take(pa.array(looked_at[order[_evenly(len(order), MOST_REFERENCES)]]))


def _evenly(rows: int, most: int) -> np.ndarray:
    """Places in the middle of equal parts of so many rows [≤ most]."""
    parts = min(rows, most)
    places: np.ndarray = ((np.arange(parts) + 0.5) * rows / parts).astype(int)
    return places
