"""Parts of a table that are enough for the features of their own rows: by group, and by time where one is too large.

A group's values depend on its own rows alone, so any partition by an entity will do. Where one group has more rows than
a task may hold, it is cut in time. A slice [start, end) then needs, besides its own rows of the group, those that its
windows can reach: rows not longer before `start` than the longest window by event_time; rows a label of which became
known not longer before `start` than the longest window by label_available_at, which may be far older; and of each
entity with columns that take no window, the rows of the last moments before all these. More rows than that change
nothing. So `window_features` of the slice is, at its own rows and to the bit, what it is of the whole table; where a
group is cut decides what it costs, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.earlier_labels import earlier_labels
from features.errors import InputError
from features.windows.spec import FeatureColumn, FeatureSpec

Entity = tuple[str, ...]


@dataclass(frozen=True)
class Pass:
    """Columns that can be made of rows which an entity's ids bring together.

    Attributes:
        anchor: id columns; groups of `spec`'s entities are parts of its groups.
        spec: the columns.
        halo: longest window by event_time, microseconds.
        label_halo: longest window by label_available_at, microseconds; 0 where there is none.
        moments: how many of the last moments before that its columns without window need, by entity.
        endless: columns that all the past of a group decides, so that no group may be cut in time.
    """

    anchor: Entity
    spec: FeatureSpec
    halo: int
    label_halo: int
    moments: Mapping[Entity, int]
    endless: tuple[str, ...] = ()


def passes(spec: FeatureSpec) -> tuple[Pass, ...]:
    """The fewest ways to bring rows together that serve every entity: one by card serves card and card+merchant.

    Raises:
        InputError: columns read rows of other groups, so that no part of a table is enough; all are named.
    """
    if spec.needing_all:
        named = ", ".join(spec.needing_all)
        raise InputError(
            f"features of parts of a table must read rows of the same ids alone, but these do not: {named}"
        )
    entities = spec.entities
    anchors = [one for one in entities if not any(set(other) < set(one) for other in entities)]
    anchor_of = {entity: next(each for each in anchors if set(each) <= set(entity)) for entity in entities}
    return tuple(_pass(anchor, [e for e in entities if anchor_of[e] == anchor], spec) for anchor in anchors)


def needed_rows(table: pa.Table, one: Pass, *, start: int, end: int) -> NDArray[np.bool_]:
    """Which rows of one group of the anchor the features of its rows in [start, end) need, those among them [N].

    Args:
        table: canonical rows of the group, in any order.
        one: the pass.
        start: microseconds.
        end: microseconds.
    """
    time = table["event_time"].cast(pa.int64()).to_numpy()
    needed: NDArray[np.bool_] = (time >= start - one.halo) & (time < end)
    if one.label_halo:
        for row, moment in _label_moments(table):
            reached = (moment >= start - one.label_halo) & (moment < end) & (time[row] < start)
            needed[row[reached]] = True
    for entity, count in one.moments.items():
        needed |= _last_moments(table, entity, time, before=start - one.halo, count=count)
    return needed


@dataclass(frozen=True)
class CutKeys:
    """Groups that are cut in time.

    Attributes:
        keys: by what they are known, in order.
        starts: of each, when its second and later slices begin, microseconds.
    """

    keys: tuple[object, ...]
    starts: tuple[tuple[int, ...], ...]

    @property
    def slices(self) -> int:
        """How many slices they are cut into."""
        return sum(len(each) + 1 for each in self.starts)


def cut_keys(sample: Mapping[object, NDArray[np.int64]], *, one_in: int, most_rows: int, halo: int) -> CutKeys:
    """Which groups have more rows than a task may hold, and where they are cut; a function of the sample alone.

    A slice owns `most_rows`, or as many as its halo holds where that is more: no row is needed more than about twice.
    Slices begin at quantiles of the sampled times; rows of one moment stay together.

    Args:
        sample: event_time, microseconds, of sampled rows, by key.
        one_in: of how many rows one is in the sample.
        most_rows: that one task should hold.
        halo: microseconds before a slice that it needs as well.

    Example:
        >>> times = {"shop": np.arange(0, 100, 2), "kiosk": np.array([5])}
        >>> cut_keys(times, one_in=10, most_rows=200, halo=10).starts
        ((34, 68),)
    """
    cut = {
        key: starts
        for key, times in sorted(sample.items(), key=str)
        if (starts := _starts(times, one_in, most_rows, halo))
    }
    return CutKeys(tuple(cut), tuple(cut.values()))


def _starts(times: NDArray[np.int64], one_in: int, most_rows: int, halo: int) -> tuple[int, ...]:
    rows = len(times) * one_in
    if rows <= most_rows:
        return ()
    ordered = np.sort(times)
    span = max(int(ordered[-1] - ordered[0]), 1)
    in_halo = int(rows * min(halo / span, 1.0))
    slices = -(-rows // max(most_rows, in_halo))
    inner = np.unique(ordered[[len(ordered) * each // slices for each in range(1, slices)]])
    return tuple(int(each) for each in inner if each > ordered[0])


def _pass(anchor: Entity, served: Sequence[Entity], spec: FeatureSpec) -> Pass:
    columns = [column for column in spec.columns if column.entity in served]
    moments: dict[Entity, int] = {}
    endless = []
    for column in columns:
        if column.window is not None:
            continue
        last = column.entity_aggregate.moments if column.entity_aggregate else None
        if last is None:
            endless.append(column.name)
        else:
            moments[column.entity] = max(last, moments.get(column.entity, 0))
    names = [column.name for column in columns]
    by_time, by_label = (_longest(columns, clock) for clock in ("event_time", "label_available_at"))
    return Pass(anchor, spec.selected(names), by_time, by_label, moments, tuple(endless))


def _longest(columns: Iterable[FeatureColumn], clock: str) -> int:
    return max((each.window for each in columns if each.window is not None and each.clock == clock), default=0)


def _label_moments(table: pa.Table) -> Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and the moments at which labels of theirs became known, those that were replaced since among them."""
    known = pc.and_(table["label"].is_valid(), table["label_available_at"].is_valid()).to_numpy()
    available = pc.fill_null(table["label_available_at"].cast(pa.int64()), 0).to_numpy()
    yield np.flatnonzero(known), available[known]
    if (earlier := earlier_labels(table)) is not None:
        yield earlier.row, earlier.available


def _last_moments(
    table: pa.Table, entity: Entity, time: NDArray[np.int64], *, before: int, count: int
) -> NDArray[np.bool_]:
    """The rows of each group's last `count` different moments before one."""
    kept = np.zeros(len(time), np.bool_)
    rows = np.flatnonzero(time < before)
    group = np.zeros(len(rows), np.int64)
    for name in entity:
        codes = table[name].combine_chunks().take(pa.array(rows)).dictionary_encode()
        values = pc.fill_null(codes.indices, -1).to_numpy().astype(np.int64)
        group = np.where((group < 0) | (values < 0), -1, group * (len(codes.dictionary) + 1) + values)
    rows, group = rows[group >= 0], group[group >= 0]
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order], prepend=-1))
    for members in np.split(rows[order], edges[1:]) if len(rows) else ():
        last = np.unique(time[members])[-count:]
        kept[members] = time[members] >= last[0]
    return kept
