"""A feed of chargebacks for simulated transactions: reports come late, some twice, and some are overturned."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.simulate.episodes import DAY_SECONDS
from features.times import SECOND

DISPUTED_SHARE = 0.004
"""Share of the honest rows whose card holder disputes them; every such dispute is overturned."""
REOPENED_SHARE = 0.08
"""Share of the frauds whose dispute is overturned first and upheld in the end."""
REPEATED_SHARE = 0.03
"""Share of the reports that are delivered twice."""
DECISION_DAYS = (10.0, 40.0)
"""How long it takes at least and at most until a dispute is decided, and again until that is reversed."""
FRAUD, OVERTURNED = "fraud", "overturned"


def simulated_chargebacks(
    transactions: pa.Table,
    *,
    rng: np.random.Generator,
    disputed: float = DISPUTED_SHARE,
    reopened: float = REOPENED_SHARE,
    decision_days: tuple[float, float] = DECISION_DAYS,
) -> pa.Table:
    """Every fraud reported when its label became available, and disputes that end otherwise than they began.

    The last report of a transaction says what its label does; a transaction without one is honest.

    Args:
        transactions: in the columns of the preset `harbor`, labels among them.
        rng: of everything random.
        disputed: share of the honest rows that are reported and overturned.
        reopened: share of the frauds that are overturned and upheld in the end.
        decision_days: how long a decision takes at least and at most.

    Returns:
        Columns transaction_id, reported_at and outcome, sorted by reported_at.
    """
    label = pc.fill_null(transactions["label"], -1).to_numpy()
    available = pc.fill_null(transactions["label_available_at"].cast(pa.int64()), 0).to_numpy()
    fraud = label == 1
    honest = (label == 0) & (rng.random(len(label)) < disputed)
    upheld = fraud & (rng.random(len(label)) < reopened)
    decided = available + _decision(len(label), decision_days, rng)
    reversed_again = decided + _decision(len(label), decision_days, rng)
    steps = [
        (np.flatnonzero(fraud | honest), available, FRAUD),
        (np.flatnonzero(honest | upheld), decided, OVERTURNED),
        (np.flatnonzero(upheld), reversed_again, FRAUD),
    ]
    rows = np.concatenate([places for places, _, _ in steps])
    moments = np.concatenate([moment[places] for places, moment, _ in steps])
    outcomes = np.concatenate([np.full(len(places), outcome) for places, _, outcome in steps])
    twice = np.flatnonzero(rng.random(len(rows)) < REPEATED_SHARE)
    place = np.concatenate([np.arange(len(rows)), twice])
    place = place[np.argsort(moments[place], kind="stable")]
    return pa.table(
        {
            "transaction_id": transactions["transaction_id"].take(pa.array(rows[place])),
            "reported_at": pa.array(moments[place]).cast(pa.timestamp("us", "UTC")),
            "outcome": pa.array(outcomes[place]),
        }
    )


def _decision(rows: int, days: tuple[float, float], rng: np.random.Generator) -> NDArray[np.int64]:
    """Microseconds until a decision, in whole seconds."""
    seconds: NDArray[np.int64] = (rng.uniform(*days, rows) * DAY_SECONDS).astype(np.int64)
    return seconds * SECOND
