"""Common point of purchase: when a card's fraud at another merchant, after its visit to this one, became known.

A merchant at which cards are copied shows in none of its own rows: the copies are used elsewhere, days later. What
gives it away is that many of its recent cards have had a fraud at other places since. That needs the rows of other
groups, so it is told of every row here, card by card, before any merchant's rows are looked at; from then on each
merchant is on its own, as for every other aggregate. What is said of cards and merchants holds for any two entities.

A fraud that is overturned gives its merchant away only from its report to its end. Such frauds are few: they are listed
card by card, and each visit looks through those of its card.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.windows import bounds, ordering
from features.windows.compilation import compiled
from features.windows.groups import ChunkRows, in_chunk_order, in_row_order, put_in_chunk_order
from features.windows.kernels import NO_EVENT, Int32, Int64
from features.windows.source_arrays import Source

NEVER = np.int64(np.iinfo(np.int64).max)
"""When a fraud became known that there is none of."""


def known_elsewhere(source: Source, *, entity: tuple[str, ...], other: str) -> NDArray[np.int64]:
    """When the first of the frauds that came after each row, of its `other` id but not its `entity`, became known.

    Args:
        source: the rows.
        entity: id columns of the places; where one of them is null, a fraud is at no place.
        other: id column of what is carried from place to place.

    Returns:
        Microseconds, `NEVER` where there is none or `other` is null [N].
    """
    groups, workers = source.groups((other,)), source.workers
    time = in_chunk_order(source.time, groups, workers=workers)
    places = in_chunk_order(source.codes(entity).values, groups, workers=workers)
    keys = put_in_chunk_order(source.label_keys, np.dtype(np.int64), groups, workers=workers)
    known = np.empty(groups.rows, np.int64)

    def fill(rows: ChunkRows) -> None:
        with workers.scratch() as scratch:
            ranks = rows.ranks(scratch)
            tied, ordered = scratch.empty(len(ranks), np.int32), scratch.empty(len(ranks), np.int64)
            bounds.tied_rows(rows.in_group_order(time, ranks, scratch), rows.starts, False, tied)
            own_keys = rows.in_group_order(keys, ranks, scratch)
            first_known_after(tied, own_keys, rows.in_group_order(places, ranks, scratch), rows.starts, ordered)
            ordering.gather(ordered, ranks, NEVER, known[rows.places])

    workers.map(fill, groups.chunks)
    return in_row_order(known, groups, missing=NEVER, workers=workers)


class EndedFrauds(NamedTuple):
    """K frauds that were known for a time only, in order of their id, then of when they became known.

    Attributes:
        starts: where each id's begin [ids + 1].
        time: when they happened, microseconds [K].
        group: where: the group of an entity [K].
        available: when they became known [K].
        until: when they ended [K].
    """

    starts: Int64
    time: Int64
    group: Int64
    available: Int64
    until: Int64


def ended_frauds(source: Source, *, entity: tuple[str, ...], other: str) -> EndedFrauds | None:
    """The frauds that hold no more, by their `other` id; None where there is none. One at no place tells nothing."""
    if source.earlier is None:
        return None
    codes, groups = source.codes((other,)), source.codes(entity).values[source.earlier.row]
    ids = codes.values[source.earlier.row]
    kept = np.flatnonzero((source.earlier.label == 1) & (ids >= 0) & (groups >= 0))
    kept = kept[np.lexsort((source.earlier.available[kept], ids[kept]))]
    frauds = source.earlier.taken(kept)
    return EndedFrauds(
        starts=np.searchsorted(ids[kept], np.arange(codes.count + 1)).astype(np.int64),
        time=source.time[frauds.row],
        group=groups[kept].astype(np.int64),
        available=frauds.available,
        until=frauds.until,
    )


@compiled
def earliest_at_two_places(
    moment: np.int64, place: np.int32, earliest: np.int64, place_of_earliest: np.int32, second: np.int64
) -> tuple[np.int64, np.int32, np.int64]:
    """The earliest moment, its place, and the earliest of all other places, once one more moment is looked at."""
    if place == place_of_earliest:
        return min(earliest, moment), place, second
    if moment < earliest:
        return moment, place, earliest
    return earliest, place_of_earliest, min(second, moment)


@compiled
def first_known_after(first_tied: Int32, keys: Int64, places: Int32, starts: Int32, known: Int64) -> None:
    """Fill when the first of a group's later frauds at another place became known, `NEVER` where there is none.

    A pass from the last row to the first keeps the earliest moment of all, its place, and the earliest of all other
    places; of these two, one is at another place than the row, whatever the row's is.

    Args:
        first_tied: first row of the group at each row's time [n].
        keys: of each row's label, as `kernels.label_events` reads them [n].
        places: where each row is, -1 for nowhere [n].
        starts: where each group begins [g + 1].
        known: microseconds [n].
    """
    for group in range(len(starts) - 1):
        earliest = second = NEVER
        place_of_earliest = np.int32(-1)
        end = starts[group + 1]
        while end > starts[group]:
            first = min(first_tied[end - 1], end - 1)
            for row in range(first, end):
                known[row] = second if places[row] == place_of_earliest else earliest
            for row in range(first, end):
                if keys[row] != NO_EVENT and keys[row] & 1 and places[row] >= 0:
                    earliest, place_of_earliest, second = earliest_at_two_places(
                        keys[row] >> 1, places[row], earliest, place_of_earliest, second
                    )
            end = first


@compiled
def window_compromised(
    time: Int64, known: Int64, previous: Int32, starts: Int32, width: int, spans: Int64, counts: Int32
) -> None:
    """Fill how many different ids each window [t - width, t) holds of which a fraud elsewhere, since, was known at t.

    A row makes its id count at times in (max(its time, `known`), its time + width], less what the id's row before it
    does already: both ends grow from row to row of an id, so the rest begins where that one's ends.

    Args:
        time: microseconds, increasing within a group [n].
        known: when a later fraud elsewhere became known, as `first_known_after` fills it [n].
        previous: the group's row before it with the same id, -1 where there is none [n].
        starts: where each group begins [g + 1].
        width: microseconds.
        spans: memory, overwritten [2, n].
        counts: ids in each window; an id that is null must have NEVER in `known` [n].
    """
    begins, ends = spans[0], spans[1]
    for group in range(len(starts) - 1):
        found = 0
        for row in range(starts[group], starts[group + 1]):
            begin = max(time[row], known[row])
            if previous[row] >= 0:
                begin = max(begin, time[previous[row]] + width)
            if begin < time[row] + width:
                begins[found], ends[found] = begin, time[row] + width
                found += 1
        begins[:found] = np.sort(begins[:found])
        begun = ended = 0
        for row in range(starts[group], starts[group + 1]):
            while begun < found and begins[begun] < time[row]:
                begun += 1
            while ended < found and ends[ended] < time[row]:
                ended += 1
            counts[row] = begun - ended


@compiled
def count_compromised_for_a_time(
    rows: tuple[Int64, Int64, Int32, Int32], width: int, codes: Int32, ended: EndedFrauds, counts: Int32
) -> None:
    """Add to `counts` the ids that frauds which ended make count, at times at which no other fraud does.

    As in `window_compromised` a row makes its id count at times in (max(its time, that of the id's row before it and
    width), its time + width]; of these each such fraud takes (available, until], less what one before it took, up to
    where a fraud that stands takes the rest.

    Args:
        rows: time, known, previous and starts as `window_compromised` takes them.
        width: microseconds.
        codes: the row's id, -1 for null [n].
        ended: the frauds of every id, groups counted from the chunk's first.
        counts: ids in each window [n].
    """
    time, known, previous, starts = rows
    changes = np.zeros(len(time) + 1, np.int32)
    for group in range(len(starts) - 1):
        first, stop = starts[group], starts[group + 1]
        for row in range(first, stop):
            if codes[row] < 0:
                continue
            begin, end = time[row], min(time[row] + width, known[row])
            if previous[row] >= 0:
                begin = max(begin, time[previous[row]] + width)
            for fraud in range(ended.starts[codes[row]], ended.starts[codes[row] + 1]):
                begins, ends = max(begin, ended.available[fraud]), min(end, ended.until[fraud])
                if ended.time[fraud] > time[row] and ended.group[fraud] != group and begins < ends:
                    changes[first + np.searchsorted(time[first:stop], begins, side="right")] += 1
                    changes[first + np.searchsorted(time[first:stop], ends, side="right")] -= 1
                    begin = ends
    more = 0
    for row in range(len(counts)):
        more += changes[row]
        counts[row] += more
