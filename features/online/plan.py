"""What a specification asks of a state: arrays that the compiled loops read, so that one machine code serves them all.

Every set of ids that has features, or is counted inside another one, has a store. A store's groups are heads of fixed
size: the moment that its windows stand at, its chains, what each window holds. Legend of a head, in words:

    HIGH LOW | NOW RIGHT | rows | frauds | legits | largest | smallest | KNOWN | windows ... | label windows ...

Rows before position RIGHT are earlier than NOW, and windows end there. A window is where it begins (its left position)
and sums over its rows; a label window is the first of its frauds and of its legitimate labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError, faults_text
from features.online import arena, chains, key_tables, small_groups
from features.online.records import (
    ANSWERS,
    COLUMN,
    HEAD_WORDS,
    KIND,
    KNOWN_WORDS,
    NEVER_DROPPED,
    NONE,
    OTHER,
    STORE,
    WINDOW,
)
from features.windows.aggregates import Aggregate
from features.windows.kernels import Int64
from features.windows.spec import FeatureColumn, FeatureSpec

OF_FRAUDS = ("frauds", "since_fraud")
"""Those that say nothing of legitimate labels, which are most of all labels."""


def _records(fields: Any) -> np.dtype[np.void]:
    return np.dtype([(name, np.int64) for name in fields._fields])


class Tables(NamedTuple):
    """The plan as arrays of records, in which places stand for addresses."""

    stores: NDArray[np.void]
    kinds: NDArray[np.void]
    others: NDArray[np.void]
    windows: NDArray[np.void]
    columns: NDArray[np.void]


@dataclass(frozen=True)
class OnlinePlan:
    """Arrays for a specification, and where they say a state's parts lie.

    Attributes:
        spec: the specification.
        ids: the id columns that a row gives, in the order in which it gives them.
        names: columns of entities, in the order in which they are answered.
        tables: records of all parts.
        records: address of the words that the loops read in place of the tables.
        with_stores: columns of entities with the place of their store, in the order of `names`.
        scratch: address of a head that questions about another moment use.
        groups: address of the heads of the row in hand, one a store.
        known: address of the chain of known rows, whose kind is the last one, and behind it their table.
        first: the first word that is free once a state is new; those from `scratch` on are nobody's between events.
    """

    spec: FeatureSpec
    ids: tuple[str, ...]
    names: tuple[str, ...]
    tables: Tables
    records: int
    with_stores: tuple[tuple[FeatureColumn, int], ...]
    scratch: int
    groups: int
    known: int
    first: int

    def kind_address(self, kind: int) -> int:
        """Where the record of a kind of chains is."""
        return self.records + _size(self.tables.stores) + kind * len(KIND)

    def write(self, memory: Int64) -> None:
        """Put the plan where the loops of a state find it: the tables, addresses in place of places."""
        starts = dict(
            zip(Tables._fields, np.cumsum([self.records, *(_size(each) for each in self.tables)]), strict=False)
        )
        tables = Tables(*(table.copy() for table in self.tables))
        kinds = starts["kinds"], len(KIND)
        for name in ("rows", "frauds", "legits", "largest", "smallest"):
            tables.stores[name] = _addresses(tables.stores[name], *kinds)
        pairs = self.tables.stores["rows"][self.tables.others["pair"]]
        tables.others["rows"] = _addresses(np.where(self.tables.others["pair"] < 0, NONE, pairs), *kinds)
        for name, part, fields in _REFERENCES:
            owner = tables.columns if name in ("window", "other") else tables.stores
            owner[name] = _addresses(owner[name], starts[part], len(fields))
        memory[self.records : self.records + sum(map(_size, tables))] = np.concatenate(
            [table.view(np.int64) for table in tables]
        )
        memory[arena.STORES], memory[arena.STORE_COUNT] = starts["stores"], len(tables.stores)
        memory[arena.SCRATCH], memory[arena.GROUPS], memory[arena.KNOWN] = self.scratch, self.groups, self.known
        kind = memory[arena.KNOWN_KIND] = starts["kinds"] + (len(tables.kinds) - 1) * len(KIND)
        _write_header(memory, self.known + chains.WORDS, chain=self.known, kind=kind)
        for store in tables.stores:
            mask = key_tables.VALUES if store["unfolded"] >= 0 else NONE
            _write_header(memory, int(store["table"]), mask=mask)

    @cached_property
    def by_batch(self) -> tuple[tuple[FeatureColumn, int], ...]:
        """Columns that no loop answers, with the place of their store."""
        return tuple(each for each in self.with_stores if _aggregate(each[0]).online is None)

    @cached_property
    def by_batch_places(self) -> NDArray[np.int64]:
        """Where among `names` the columns are that no loop answers."""
        return np.array([self.names.index(column.name) for column, _ in self.by_batch], np.int64)

    @cached_property
    def event_struct(self) -> Struct:
        """An event as bytes: key, time, amount and label of the row, then the keys of its ids."""
        return Struct(f"<16s{KNOWN_WORDS - 2}q" + "16s" * len(self.ids))

    @property
    def event_words(self) -> int:
        """Words of an event, see `events`."""
        return KNOWN_WORDS + 2 * len(self.ids)

    def others_of(self, store: int) -> dict[str, int]:
        """The word of a row that holds the group of each other id, by the id's column."""
        record = self.tables.stores[store]
        others = self.tables.others[record["first_other"] : record["first_other"] + record["others"]]
        return {self.ids[int(self.tables.stores[other["store"]]["last"])]: int(other["code"]) for other in others}


def refused_columns(spec: FeatureSpec) -> list[str]:
    """Why columns cannot be answered one row at a time, a line each."""
    faults = [f"'{column.name}': reads rows of other groups" for column in spec.columns if column.needs == "all"]
    faults += [
        f"'{column.name}': rows of one time count one another, the earlier of them before the later ones came"
        for column in spec.columns
        if column.closed == "right"
    ]
    return faults + [
        f"'{column.name}': an aggregate of labels without a window must be one of Harbor's own"
        for column in spec.columns
        if column.entity and column.of == "label" and column.window is None and _aggregate(column).online is None
    ]


def online_plan(spec: FeatureSpec) -> OnlinePlan:
    """The plan of a specification.

    Raises:
        InputError: columns cannot be answered one row at a time; all are named.
    """
    faults = refused_columns(spec)
    if faults:
        raise InputError(faults_text(faults, "the specification of features that one row at a time shall have"))
    return _Layout(spec).plan()


def _aggregate(column: FeatureColumn) -> Aggregate:
    aggregate = column.entity_aggregate
    assert aggregate is not None, "a specification knows the aggregates of its columns"
    return aggregate


class _Layout:
    """The plan while it is made: each part adds its records and takes its words."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self.columns = [column for column in spec.columns if column.entity]
        self.ids = tuple(dict.fromkeys(name for column in self.columns for name in _ids_of(column)))
        self.sets = _id_sets(self.columns)
        self.records: dict[str, list[tuple[Any, ...]]] = {name: [] for name in Tables._fields}
        self.next = arena.OWN_LISTS + 5 * len(self.sets) + 1

    def plan(self) -> OnlinePlan:
        """All stores, one after the other, then what they share."""
        stores = [self._store(place, ids) for place, ids in enumerate(self.sets)]
        known = self._words(chains.WORDS + key_tables.TABLE_WORDS)
        self.records["kinds"].append((0, KNOWN_WORDS + len(self.ids), 6, arena.OWN_LISTS + 5 * len(self.sets)))
        tables = Tables(
            np.array([tuple(store[name] for name in STORE._fields) for store in stores], _records(STORE)),
            *(np.array(self.records[name], kind) for name, kind in zip(Tables._fields[1:], _KINDS, strict=True)),
        )
        records = self._words(sum(map(_size, tables)))
        scratch = self._words(max((store["head"] for store in stores), default=0))
        for place in np.flatnonzero(tables.stores["unfolded"] != NONE).tolist():
            words = stores[place]["head"] + small_groups.UNFOLDED_WORDS
            tables.stores["unfolded"][place] = self._words(words)
        return OnlinePlan(
            spec=self.spec,
            ids=self.ids,
            names=tuple(column.name for column in self.columns),
            tables=tables,
            records=records,
            with_stores=tuple((column, self.sets.index(_id_set(column.entity))) for column in self.columns),
            known=known,
            scratch=scratch,
            groups=self._words(len(stores)),
            first=self.next,
        )

    def _store(self, place: int, ids: tuple[str, ...]) -> dict[str, int]:
        """A store, laid out in the order of the legend."""
        columns = [column for column in self.columns if _id_set(column.entity) == ids]
        store = dict.fromkeys(STORE._fields, NONE)
        store["left"] = self.sets.index(ids[:-1]) if len(ids) > 1 else NONE
        store["last"] = self.sets.index(ids[-1:]) if len(ids) > 1 else self.ids.index(ids[0])
        store["table"] = self._words(key_tables.TABLE_WORDS)
        store["head"] = HEAD_WORDS
        width = self._row_words(store, ids, columns)
        if columns or self._is_pair(ids):
            is_small = self._has_small_groups(ids, columns)
            store["unfolded"] = 0 if is_small else NONE
            shift = small_groups.SHIFT if is_small else 3 if len(ids) == 1 else 2
            store["rows"] = self._chain(store, place, 0, width, shift)
        self._label_chains(store, place, columns)
        self._queues(store, place, columns)
        self._windows(store, ids, columns)
        self._label_windows(store, columns)
        self._kept(store, columns)
        self._columns(store, columns)
        store["blank"] = self._words(store["head"])
        return store

    def _row_words(self, store: dict[str, int], ids: tuple[str, ...], columns: Sequence[FeatureColumn]) -> int:
        """Words of a row: its time, its amount where one is read, and each other id with its links in time."""
        width = 1
        if any(column.of == "amount" for column in columns):
            store["amount"], width = width, width + 1
        counted = [of for of in _other_ids(columns) if of in _counted_ids(columns)]
        others = counted + [of for of in _other_ids(columns) if of not in counted]
        store["first_other"], store["others"] = len(self.records["others"]), len(others)
        store["counted"] = len(counted)
        for of in others:
            pair = self.sets.index(_id_set((*ids, of))) if of in counted else NONE
            links = (width + 1, width + 2) if of in counted else (NONE, NONE)
            self.records["others"].append((self.sets.index((of,)), pair, NONE, width, *links))
            width += 3 if of in counted else 1
        return width

    def _chain(self, store: dict[str, int], place: int, which: int, width: int, shift: int) -> int:
        self.records["kinds"].append((store["head"], width, shift, arena.OWN_LISTS + 5 * place + which))
        store["head"] += chains.WORDS
        return len(self.records["kinds"]) - 1

    def _label_chains(self, store: dict[str, int], place: int, columns: Sequence[FeatureColumn]) -> None:
        if any(column.of == "label" for column in columns):
            store["frauds"] = self._chain(store, place, 1, 1, 2)
        if any(column.of == "label" and _aggregate(column).online not in OF_FRAUDS for column in columns):
            store["legits"] = self._chain(store, place, 2, 1, 3)

    def _queues(self, store: dict[str, int], place: int, columns: Sequence[FeatureColumn]) -> None:
        for which, answer in ((3, "largest"), (4, "smallest")):
            if any(_aggregate(column).online == answer for column in columns):
                store[answer] = self._chain(store, place, which, 2, 2)

    def _windows(self, store: dict[str, int], ids: tuple[str, ...], columns: Sequence[FeatureColumn]) -> None:
        """Where each window of rows begins, and what it sums up."""
        widths = _widths(columns, "event_time")
        answers = {_aggregate(column).online for column in columns}
        words = 1
        if answers & {"sum", "mean", "zscore", "ratio", "deviation"}:
            store["total"], words = words, words + 1
        if answers & {"zscore", "deviation"}:
            store["square"], words = words, words + 2
        store["seen"], words = words, words + store["counted"]
        store["first_window"], store["windows"] = len(self.records["windows"]), len(widths)
        for width in widths:
            self.records["windows"].append((width, store["head"]))
            store["head"] += words
        pairs = [column.window or 0 for column in self.columns if self._pair_of(column) == ids]
        store["keep"] = max([*widths, *pairs], default=0)

    def _label_windows(self, store: dict[str, int], columns: Sequence[FeatureColumn]) -> None:
        widths = _widths(columns, "label_available_at")
        store["known"] = store["head"]
        store["head"] += 2 * (store["frauds"] != NONE)
        store["first_label_window"], store["label_windows"] = len(self.records["windows"]), len(widths)
        for width in widths:
            self.records["windows"].append((width, store["head"]))
            store["head"] += 2
        store["label_keep"] = max(widths, default=0)

    def _kept(self, store: dict[str, int], columns: Sequence[FeatureColumn]) -> None:
        """How many of a group's last moments are kept beyond its windows, and for how long."""
        windowless = [_aggregate(column) for column in columns if column.window is None]
        moments = [NEVER_DROPPED if each.online is None else max(each.numbers, default=1) for each in windowless]
        store["moments"] = max(moments, default=0)
        store["reach"] = arena.FOREVER if self.spec.horizon is None else self.spec.horizon

    def _columns(self, store: dict[str, int], columns: Sequence[FeatureColumn]) -> None:
        store["first_column"], store["columns"] = len(self.records["columns"]), len(columns)
        for column in columns:
            aggregate = _aggregate(column)
            numbers = (*aggregate.numbers, 0, 0)[:2]
            self.records["columns"].append(
                (
                    ANSWERS.index(aggregate.online or "by_batch"),
                    self._window_of(store, column),
                    self._other_of(store, column),
                    *numbers,
                    store["reach"],
                    self.columns.index(column),
                    self.spec.amount_scale if aggregate.money else 1,
                )
            )

    def _window_of(self, store: dict[str, int], column: FeatureColumn) -> int:
        by_label = column.clock == "label_available_at"
        first, count = (
            (store["first_label_window"], store["label_windows"])
            if by_label
            else (store["first_window"], store["windows"])
        )
        widths = [width for width, _ in self.records["windows"][first : first + count]]
        return NONE if column.window is None else first + widths.index(column.window)

    def _other_of(self, store: dict[str, int], column: FeatureColumn) -> int:
        if column.of is None or not column.of.endswith("_id"):
            return NONE
        others = self.records["others"][store["first_other"] : store["first_other"] + store["others"]]
        return store["first_other"] + [other[0] for other in others].index(self.sets.index((column.of,)))

    def _has_small_groups(self, ids: tuple[str, ...], columns: Sequence[FeatureColumn]) -> bool:
        """Whether groups can do without a head: rows are all that they have, and nothing else leads to them."""
        is_part = any(other[:-1] == ids for other in self.sets)
        plain = not _other_ids(columns) and all(column.of != "label" for column in columns)
        return len(ids) > 1 and plain and not is_part

    def _is_pair(self, ids: tuple[str, ...]) -> bool:
        return any(self._pair_of(column) == ids for column in self.columns)

    def _pair_of(self, column: FeatureColumn) -> tuple[str, ...] | None:
        """The ids of which a column that counts other ids must know when they came together."""
        counts = column.of is not None and _aggregate(column).online == "distinct"
        return _id_set((*column.entity, column.of or "")) if counts else None

    def _words(self, words: int) -> int:
        address, self.next = self.next, self.next + words
        return address


_KINDS = tuple(_records(fields) for fields in (KIND, OTHER, WINDOW, COLUMN))


_REFERENCES = (
    ("first_other", "others", OTHER),
    ("first_window", "windows", WINDOW),
    ("first_label_window", "windows", WINDOW),
    ("first_column", "columns", COLUMN),
    ("window", "windows", WINDOW),
    ("other", "others", OTHER),
)
"""Fields that hold places in a table."""


def _write_header(memory: Int64, table: int, *, chain: int = 0, kind: int = 0, mask: int = NONE) -> None:
    """Say where the keys of a table stand; a mask of -1 takes all bits of them."""
    memory[table + key_tables.CHAIN], memory[table + key_tables.KIND] = chain, kind
    memory[table + key_tables.MASK] = mask


def _size(table: NDArray[np.void]) -> int:
    return int(table.view(np.int64).size)


def _addresses(places: NDArray[np.int64], start: int, words: int) -> NDArray[np.int64]:
    """Addresses of the records at places of a table that begins at `start`; NONE stays."""
    found: NDArray[np.int64] = np.where(places < 0, NONE, start + places * words)
    return found


def _id_set(ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(ids))


def _id_sets(columns: Sequence[FeatureColumn]) -> list[tuple[str, ...]]:
    """Every set of ids that needs groups, each behind the sets that it is made of."""
    wanted: set[tuple[str, ...]] = set()
    for column in columns:
        wanted |= set(_parts(column.entity))
        if column.of and column.of.endswith("_id"):
            wanted |= set(_parts((column.of,)))
        if _aggregate(column).online == "distinct":
            wanted |= set(_parts((*column.entity, column.of or "")))
    return sorted(wanted, key=lambda ids: (len(ids), ids))


def _parts(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """A set, each of its ids, and the sets by which it is put together."""
    ordered = _id_set(ids)
    yield from ((each,) for each in ordered)
    yield from (ordered[:length] for length in range(2, len(ordered) + 1))


def _ids_of(column: FeatureColumn) -> Iterator[str]:
    yield from column.entity
    if column.of and column.of.endswith("_id"):
        yield column.of


def _other_ids(columns: Sequence[FeatureColumn]) -> list[str]:
    return list(dict.fromkeys(column.of for column in columns if column.of and column.of.endswith("_id")))


def _counted_ids(columns: Sequence[FeatureColumn]) -> set[str]:
    return {column.of for column in columns if column.of and _aggregate(column).online == "distinct"}


def _widths(columns: Sequence[FeatureColumn], clock: str) -> list[int]:
    return sorted({column.window for column in columns if column.window is not None and column.clock == clock})
