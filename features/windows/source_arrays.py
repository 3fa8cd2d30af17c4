"""The columns of a transaction table that windows read, as arrays made at most once."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.earlier_labels import EarlierLabels, earlier_labels
from features.errors import InputError
from features.windows import ordering
from features.windows.groups import Codes, Groups, id_codes, joined_codes, read_only, time_groups
from features.windows.kernels import NO_EVENT
from features.windows.workers import Workers

Made = TypeVar("Made")


@dataclass(frozen=True)
class Source:
    """Arrays over the rows of a canonical table, in the table's order.

    An entity is the tuple of its id columns; what is made for it (codes, then groups) is kept, because pairs and
    distinct counts need it again.
    """

    table: pa.Table
    workers: Workers
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
            InputError: one is negative or null; sums of 63 bits rest on their being neither.
        """
        column = self.table["amount_minor"]
        lowest = pc.min(column).as_py()
        if column.null_count or (lowest is not None and lowest < 0):
            negative = int(pc.sum(pc.less(column, 0)).as_py() or 0)
            raise InputError(f"'amount_minor': must be ≥ 0, got {negative} negative and {column.null_count} null rows")
        return read_only(column.to_numpy().astype(np.int64, copy=False))

    @cached_property
    def label(self) -> NDArray[np.int8]:
        """Labels, null as `ordering.NO_LABEL`.

        Raises:
            InputError: a label is neither 0, 1 nor null.
        """
        label = read_only(_filled(self.table["label"].cast(pa.int8()), ordering.NO_LABEL))
        strange = ordering.strange_labels(label)
        if strange:
            raise InputError(f"'label': must be 0, 1 or null, got {strange} other rows")
        return label

    @cached_property
    def label_available(self) -> NDArray[np.int64]:
        """When each label became available in microseconds, null as `kernels.NO_EVENT`."""
        return read_only(_filled(self.table["label_available_at"].cast(pa.int64()), NO_EVENT))

    @cached_property
    def earlier(self) -> EarlierLabels | None:
        """Labels that hold no more; None where no row has one."""
        return earlier_labels(self.table)

    @property
    def label_keys(self) -> Callable[[slice], NDArray[np.int64]]:
        """When some rows' newest labels became available, and the labels, as `kernels.label_events` reads them."""
        label, available = self.label, self.label_available

        def keys_of(rows: slice) -> NDArray[np.int64]:
            keys = np.empty(len(label[rows]), np.int64)
            ordering.label_keys(label[rows], available[rows], keys)
            return keys

        return keys_of

    def read_texts(self, names: Collection[str]) -> None:
        """Make the codes of id columns that are no numbers side by side; for one of them there is one thread."""
        texts = [name for name in names if not pa.types.is_integer(self.table.schema.field(name).type)]
        self.workers.map(lambda name: self.codes((name,)), texts)

    def forget(self, *, but: Collection[tuple[str, ...]], reads: Collection[str | None]) -> None:
        """Let go of what neither the features of entities `but` nor windows that read these columns need any more."""
        needed = {entity[:length] for entity in but for length in range(1, len(entity) + 1)}
        needed |= {(name,) for name in reads if name} | {(name,) for entity in but for name in entity}
        for kept in (self.kept_codes, self.kept_groups):
            for entity in kept.keys() - needed:
                del kept[entity]

    def codes(self, entity: tuple[str, ...]) -> Codes:
        """Codes of an entity's ids, null where any of its columns is."""
        return _kept(self.kept_codes, entity, lambda: self._codes(entity))

    def groups(self, entity: tuple[str, ...]) -> Groups:
        """Where an entity's rows stand once they are in chunks."""
        return _kept(self.kept_groups, entity, lambda: self._groups(entity))

    def _groups(self, entity: tuple[str, ...]) -> Groups:
        return time_groups(self.codes(entity), order=self.order, workers=self.workers)

    def _codes(self, entity: tuple[str, ...]) -> Codes:
        *first, last = entity
        own = self.codes((last,)) if first else id_codes(self.table[last], name=last, workers=self.workers)
        if not first:
            return own
        head = tuple(first)
        return joined_codes(own, groups=self.groups(head), workers=self.workers)


def _kept(kept: dict[tuple[str, ...], Made], entity: tuple[str, ...], made: Callable[[], Made]) -> Made:
    if entity not in kept:
        kept[entity] = made()
    return kept[entity]


def _filled(column: pa.ChunkedArray, missing: np.integer[Any]) -> NDArray[Any]:
    whole = pc.fill_null(column, int(missing)) if column.null_count else column
    return np.asarray(whole.to_numpy())
