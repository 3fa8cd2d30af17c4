"""What was known of each transaction's outcome, and when: its own label and the reports of a chargeback feed.

While a report stands, it says what the transaction is. Where none stands, be it that none came or that it was
withdrawn, the transaction's own label does, from the moment at which that is known; where silence counts as legitimate,
that label is 0 once `labels.delay` has passed.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.earlier_labels import EarlierLabels
from features.schema.chargeback_reports import WITHDRAWN, Ints, Reports
from features.schema.faults import Mask
from features.schema.instants import NOT_A_TIME

ALWAYS = np.int64(np.iinfo(np.int64).min)
NEVER = np.int64(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class KnownOutcomes:
    """The outcomes of N rows.

    Attributes:
        label: the newest as of the moment: 0, 1, or -1 where not known [N].
        available: when it became known, microseconds since 1970; of a row of which nothing is known yet, when the first
            thing will be, if the label says one [N].
        earlier: outcomes that hold no more; of rows that have one.
        reported: places of the keys that were found among the rows.
        too_early: rows reported before they happened [N].
    """

    label: NDArray[np.int8]
    available: Ints
    earlier: EarlierLabels
    reported: Ints
    too_early: Mask


@dataclass(frozen=True)
class _Spells:
    """From when until when each outcome of a row was known, in order of row and time [S]."""

    row: Ints
    outcome: NDArray[np.int8]
    begin: Ints
    end: Ints

    def where(self, mask: Mask) -> "_Spells":
        return _Spells(self.row[mask], self.outcome[mask], self.begin[mask], self.end[mask])


def known_outcomes(
    reports: Reports,
    ids: pa.Array,
    *,
    time: Ints,
    label: NDArray[np.int8],
    available: Ints,
    closed: Mask,
    as_of: int | None,
) -> KnownOutcomes:
    """Every row's own label and its reports as one history.

    Args:
        reports: of the feed.
        ids: transaction ids [N].
        time: when each happened, microseconds since 1970, NOT_A_TIME where that is not known [N].
        label: the row's own: 0, 1, or -1 where unknown [N].
        available: when that becomes known [N].
        closed: rows that can have no outcome, whatever is reported [N].
        as_of: microseconds since 1970: what comes later is not known yet. None: everything is.
    """
    place = reports.places(ids)
    told_of = place >= 0
    changed = told_of & (reports.starts[place + 1] > reports.starts[place])  # a report may have changed nothing
    rows = np.flatnonzero(changed & ~closed)
    spells = _spells(reports, rows, place[rows], label, available)
    known = spells.begin <= (NEVER if as_of is None else as_of)
    over = known & (spells.end != NEVER) if as_of is None else known & (spells.end <= as_of)
    label, available, told = label.copy(), available.copy(), np.zeros(len(label), bool)
    label[rows], available[rows] = WITHDRAWN, np.where(time[rows] == NOT_A_TIME, 0, time[rows])
    told[spells.row[known]] = True
    to_come = spells.where(~known & ~told[spells.row])
    first = to_come.where(np.append(True, to_come.row[1:] != to_come.row[:-1])[: len(to_come.row)])
    for newest in (first, spells.where(known & ~over)):
        label[newest.row], available[newest.row] = newest.outcome, newest.begin
    past = spells.where(over)
    too_early = np.zeros(len(label), bool)
    too_early[rows] = reports.at[reports.starts[place[rows]]] < time[rows]
    earlier = EarlierLabels(past.row, past.outcome, past.begin, past.end)
    return KnownOutcomes(label, available, earlier, np.unique(place[told_of]), too_early)


def _spells(reports: Reports, rows: Ints, place: Ints, label: NDArray[np.int8], available: Ints) -> _Spells:
    """The spells of rows that have reports, the first one a spell without any, which begins at `ALWAYS`."""
    counts = reports.starts[place + 1] - reports.starts[place] + 1
    row = np.repeat(rows, counts)
    first = np.cumsum(counts) - counts
    number = np.arange(len(row)) - np.repeat(first, counts)
    source = np.repeat(reports.starts[place], counts) + number - 1
    begin = np.where(number == 0, ALWAYS, reports.at[np.maximum(source, 0)])
    outcome = np.where(number == 0, WITHDRAWN, reports.outcome[np.maximum(source, 0)])
    end = np.append(begin[1:], NEVER)[: len(begin)]
    end = np.where(end == ALWAYS, NEVER, end)
    silent = outcome == WITHDRAWN
    begin = np.where(silent, np.maximum(begin, available[row]), begin)
    outcome = np.where(silent, label[row], outcome)
    spells = _Spells(row, outcome, begin, end)
    return _joined(spells.where((outcome != WITHDRAWN) & (begin < end)))


def _joined(spells: _Spells) -> _Spells:
    """Spells of one outcome that follow one another without a break made one: nothing became known between them."""
    same = (spells.row[1:] == spells.row[:-1]) & (spells.outcome[1:] == spells.outcome[:-1])
    goes_on = np.append(False, same & (spells.begin[1:] == spells.end[:-1]))[: len(spells.row)]
    first = np.flatnonzero(~goes_on)
    last = np.append(first[1:], len(spells.row))[: len(first)] - 1
    return _Spells(spells.row[first], spells.outcome[first], spells.begin[first], spells.end[last])
