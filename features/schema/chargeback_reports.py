"""A feed of chargeback reports, looked up by the transaction that each is about.

A report is a key, a moment and an outcome: fraud, legitimate (the dispute was overturned), or none (what was reported
before it is withdrawn). Of one key the latest report wins, so a feed may be delivered whole again and again: a report
that says what stood already changes nothing, not even since when it is known.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.faults import Mask
from features.schema.preset import Chargebacks
from features.times import DAY

Ints = NDArray[np.int64]
WITHDRAWN = np.int8(-1)


@dataclass(frozen=True)
class ReportRows:
    """Reports as a file gives them: key, moment and outcome (1 fraud, 0 legitimate, -1 withdrawn) of each [R].

    `midnight` marks moments at 00:00 in the feed's zone, which may be days that were written as times [R].
    """

    keys: pa.Array
    at: Ints
    outcome: NDArray[np.int8]
    midnight: Mask

    def where(self, mask: Mask) -> "ReportRows":
        """Some of them."""
        return ReportRows(self.keys.filter(pa.array(mask)), self.at[mask], self.outcome[mask], self.midnight[mask])


@dataclass(frozen=True)
class Reports:
    """Reports in order of key and time, each of which changed something.

    Attributes:
        keys: the keys as text, each once [K].
        starts: where each key's reports begin and, last, how many there are [K + 1].
        at: microseconds since 1970 [R].
        outcome: 1 fraud, 0 legitimate, -1 withdrawn [R].
        absent: the label of a transaction of which no report stands, -1 for none.
        repeats: rows of the feed that said what stood already.
        contradictions: rows that another one of the same moment and key overruled: fraud wins.
    """

    keys: pa.Array
    starts: Ints
    at: Ints
    outcome: NDArray[np.int8]
    absent: np.int8
    repeats: int
    contradictions: int

    def places(self, ids: pa.Array) -> Ints:
        """The place of each id among the keys, -1 where nothing was reported of it."""
        found = pc.index_in(pc.cast(ids, pa.string()), value_set=self.keys)
        places: Ints = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return places


def reports_in_order(rows: ReportRows, *, feed: Chargebacks) -> Reports:
    """All reports of a feed by key and time, less those that change nothing.

    Where every one came at midnight the moments are days, and a day means its end, as it does where it is written so.
    """
    whole_days = DAY - 1 if rows.midnight.all() else 0
    encoded = pc.dictionary_encode(rows.keys)
    keys, code = encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False)
    order = np.lexsort((rows.outcome, rows.at, code))
    code, at, outcome = code[order], rows.at[order] + whole_days, rows.outcome[order]
    last = np.append((code[1:] != code[:-1]) | (at[1:] != at[:-1]), True)[: len(code)]
    contradictions = int((~last[:-1] & (outcome[1:] != outcome[:-1])).sum())
    code, at, outcome = code[last], at[last], outcome[last]
    new_key = np.append(True, code[1:] != code[:-1])[: len(code)]
    before = np.where(new_key, WITHDRAWN, np.append(WITHDRAWN, outcome[:-1])[: len(code)])
    kept = outcome != before
    return Reports(
        keys=keys,
        starts=np.searchsorted(code[kept], np.arange(len(keys) + 1)).astype(np.int64),
        at=at[kept],
        outcome=outcome[kept],
        absent=np.int8(0) if feed.absent == "no" else WITHDRAWN,
        repeats=len(order) - int(kept.sum()) - contradictions,
        contradictions=contradictions,
    )
