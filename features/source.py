"""The columns of a transaction table that windows read, as arrays made at most once."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features import ordering
from features.groups import Codes, Groups, id_codes, joined_codes, read_only, time_groups
from features.kernels import NO_EVENT

Made = TypeVar("Made")


@dataclass(frozen=True)
class Source:
    """Arrays over the rows of a canonical table, in the table's order.

    An entity is the tuple of its id columns; what is made for it (codes, then groups) is kept, because pairs and
    distinct counts need it again.
    """

    table: pa.Table
    pool: Executor
    kept_codes: dict[tuple[str, ...], Codes] = field(default_factory=dict)
    kept_groups: dict[tuple[str, ...], Groups] = field(default_factory=dict)

    @cached_property
    def time(self) -> NDArray[np.int64]:
        """event_time in microseconds."""
        return read_only(self.table["event_time"].cast(pa.int64()).to_numpy())

    @cached_property
    def order(self) -> NDArray[np.int32]:
        """Rows by time; empty where they are so already."""
        if bool((self.time[1:] >= self.time[:-1]).all()):
            return np.empty(0, np.int32)
        return np.argsort(self.time, kind="stable").astype(np.int32)

    @cached_property
    def amount(self) -> NDArray[np.int64]:
        """Minor units.

        Raises:
            ValueError: one is negative or null; sums of 63 bits rest on their being neither.
        """
        column = self.table["amount_minor"]
        negative = int(pc.sum(pc.less(column, 0)).as_py() or 0)
        if column.null_count or negative:
            raise ValueError(f"'amount_minor': must be ≥ 0, got {negative} negative and {column.null_count} null rows")
        return read_only(column.to_numpy().astype(np.int64, copy=False))

    @cached_property
    def label_keys(self) -> NDArray[np.int64]:
        """When each row's label became available, and the label, as `kernels.label_events` reads them.

        Raises:
            ValueError: a label is neither 0, 1 nor null.
        """
        label = read_only(_filled(self.table["label"].cast(pa.int8()), ordering.NO_LABEL))
        available = read_only(_filled(self.table["label_available_at"].cast(pa.int64()), NO_EVENT))
        keys = np.empty(len(label), np.int64)
        strange = ordering.label_keys(label, available, keys)
        if strange:
            raise ValueError(f"'label': must be 0, 1 or null, got {strange} other rows")
        return keys

    def prepare(self, entities: Iterable[tuple[str, ...]]) -> None:
        """Make the codes of all id columns side by side, and the groups of entities that are one column."""
        alone = {entity for entity in entities if len(entity) == 1}
        columns = {(name,) for entity in entities for name in entity}
        for _ in self.pool.map(lambda column: self.groups(column) if column in alone else self.codes(column), columns):
            pass

    def codes(self, entity: tuple[str, ...]) -> Codes:
        """Codes of an entity's ids, null where any of its columns is."""
        return _kept(self.kept_codes, entity, lambda: self._codes(entity))

    def groups(self, entity: tuple[str, ...]) -> Groups:
        """An entity's rows in (group, time) order."""
        return _kept(self.kept_groups, entity, lambda: time_groups(self.codes(entity), order=self.order))

    def _codes(self, entity: tuple[str, ...]) -> Codes:
        *first, last = entity
        own = self.codes((last,)) if first else id_codes(self.table[last], name=last)
        if not first:
            return own
        head = tuple(first)
        return joined_codes(own, groups=self.groups(head), pool=self.pool)


def _kept(kept: dict[tuple[str, ...], Made], entity: tuple[str, ...], made: Callable[[], Made]) -> Made:
    if entity not in kept:
        kept[entity] = made()
    return kept[entity]


def _filled(column: pa.ChunkedArray, missing: np.integer[Any]) -> NDArray[Any]:
    whole = pc.fill_null(column, int(missing)) if column.null_count else column
    return np.asarray(whole.to_numpy())
