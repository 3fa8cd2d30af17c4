"""What the tails of an inverse promise, and what was seen in them: there the inverse keeps an order, not a level."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.losses import Posterior
from models.rows import Floats

SIDES = {"low": -1, "high": 1}


@dataclass(frozen=True, kw_only=True)
class Tail:
    """One tail of one head on some rows of known label.

    Attributes:
        rows: rows in it; `share` of all.
        frauds: of these the frauds.
        promised: frauds that the inverse says there are, before any calibrator.
        observed_promised: frauds over promised ones, rows weighted; None where none are promised.
    """

    rows: int
    share: float
    frauds: int
    promised: float
    observed_promised: float | None


def tails(
    inverted: Mapping[str, Posterior], labels: Floats, *, weight: Floats | None = None
) -> dict[str, dict[str, Tail]]:
    """The lower and the upper tail of every head, rows of unknown label left out.

    Args:
        inverted: the heads' margins after the inverse of their loss, by name [N].
        labels: 0, 1 or NaN [N].
        weight: how many rows each row stands for [N]; None for every row once.
    """
    known = np.isfinite(labels)
    label = np.asarray(labels, np.float64)[known]
    times = np.ones(label.size) if weight is None else np.asarray(weight, np.float64)[known]
    return {
        name: {side: _tail(found, known, label, times, sign) for side, sign in SIDES.items()}
        for name, found in inverted.items()
    }


def _tail(found: Posterior, known: np.ndarray, label: Floats, times: Floats, sign: int) -> Tail:
    inside = found.tail[known] == sign
    promised = float((times * found.probability[known])[inside].sum())
    observed = float((times * label)[inside].sum())
    return Tail(
        rows=int(inside.sum()),
        share=float(inside.mean()) if inside.size else 0.0,
        frauds=int(label[inside].sum()),
        promised=promised,
        observed_promised=observed / promised if promised > 0 else None,
    )
