"""What the words of a plan's records and of a group's head mean: the loops read both out of the state's own memory.

A field is read as `memory[store + STORE.amount]`, `store` being the address of a record.
"""

from typing import NamedTuple

ANSWERS = (
    "by_batch",
    "count",
    "sum",
    "mean",
    "largest",
    "smallest",
    "deviation",
    "zscore",
    "ratio",
    "distinct",
    "seconds_since",
    "first_seen",
    "previous_ratio",
    "previous_same",
    "labels",
    "frauds",
    "fraud_rate",
    "shrunken_rate",
    "last_label",
    "since_fraud",
    "run_length",
    "run_seconds",
)
"""What loops can answer, `Aggregate.online`; everything else is answered by the aggregate's own function."""
HIGH, LOW, NOW, RIGHT = range(4)
HEAD_WORDS = 4
"""Words of a head before its chains: its group's key, the moment its windows end at, and the first position behind."""
NONE = -1
"""A part that a store does not have."""
NEVER_DROPPED = 2**62
"""Moments of a group that are kept where an aggregate without a loop may look at all the past."""
KNOWN_WORDS = 5
"""Words of a known row before its groups: see `known_rows`."""


class KindFields(NamedTuple):
    """Of chains of a kind: where in a head they are, words of a row, log2 of rows of a block, the list of blocks."""

    at: int
    width: int
    shift: int
    unused: int


class StoreFields(NamedTuple):
    """Of a set of ids and its groups.

    Attributes:
        left: the store of its first ids; NONE for a single id.
        last: the store of its last id; for a single id, which of a row's ids it is.
        table: address of the table of its groups.
        blank: address of a head in which nothing has happened.
        unfolded: address of a head that groups without one are unfolded into; NONE where all have their own.
        head: words of a head.
        rows: the kind of its chain of rows; so `frauds`, `legits`, `largest`, `smallest`; NONE where there is none.
        amount: which word of a row is its amount.
        first_other: the first record of an other id in its rows; `others` how many, the first `counted` with links.
        first_window: the first record of a window of rows; `windows` how many.
        total: which word of a window is its sum; so `square` (two words), and `seen`, the first number of ids.
        first_label_window: the first record of a window of labels; `label_windows` how many.
        known: where in a head the first fraud that is not known yet is, and behind it the first legitimate label.
        keep: length of its longest window of rows.
        moments: how many last moments are kept beyond it, as far back as `reach`.
        label_keep: length of its longest window of labels.
        first_column: the first record of a column; `columns` how many.
    """

    left: int
    last: int
    table: int
    blank: int
    unfolded: int
    head: int
    rows: int
    frauds: int
    legits: int
    largest: int
    smallest: int
    amount: int
    first_other: int
    others: int
    counted: int
    first_window: int
    windows: int
    total: int
    square: int
    seen: int
    first_label_window: int
    label_windows: int
    known: int
    keep: int
    moments: int
    reach: int
    label_keep: int
    first_column: int
    columns: int


class OtherFields(NamedTuple):
    """Of another id in a store's rows: its store, the one of both ids and the kind of its rows; words of a row."""

    store: int
    pair: int
    rows: int
    code: int
    previous: int
    following: int


class WindowFields(NamedTuple):
    """Of a window: its length in microseconds, and where in a head it is."""

    width: int
    at: int


class ColumnFields(NamedTuple):
    """Of a column: which answer, of which window and other id, with which numbers, where it goes, divided by what."""

    answer: int
    window: int
    other: int
    first: int
    second: int
    reach: int
    place: int
    divisor: int


KIND = KindFields(*range(len(KindFields._fields)))
STORE = StoreFields(*range(len(StoreFields._fields)))
OTHER = OtherFields(*range(len(OtherFields._fields)))
WINDOW = WindowFields(*range(len(WindowFields._fields)))
COLUMN = ColumnFields(*range(len(ColumnFields._fields)))
