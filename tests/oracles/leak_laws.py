"""What must hold of any features, folds and fitted state that know only the past.

A law takes a way to make them and some data: `features_of(table)` gives a feature table row by row,
`state_of(table, folds)` what an encoder learnt, `folds_of(time, label, available, as_of)` the folds. It raises
AssertionError where it is broken, whatever broke it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def times(table, name="event_time"):
    return np.array(table[name].cast(pa.int64()).fill_null(-1).to_pylist(), np.int64)


def replaced(table, name, values):
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))


def assert_equal_rows(features, expected, rows, columns=None):
    for name in columns or expected.column_names:
        ours, theirs = (f[name].take(pa.array(rows)).to_pylist() for f in (features, expected))
        same = [a == b or (a != a and b != b) for a, b in zip(ours, theirs, strict=True)]
        assert all(same), f"{name}: {same.count(False)} rows changed"


def later_rows_may_vanish(features_of, table):
    whole = features_of(table)
    moments = times(table)
    for now in np.unique(moments):
        past = np.flatnonzero(moments <= now)
        part = features_of(table.take(pa.array(past)))
        assert_equal_rows(part, whole.take(pa.array(past)), np.arange(len(past)))


def later_rows_may_change(features_of, table):
    whole = features_of(table)
    moments = times(table)
    for now in np.unique(moments):
        future = moments > now
        changed = replaced(table, "amount_minor", np.where(future, 99_991, table["amount_minor"].to_numpy()))
        changed = replaced(changed, "amount", np.where(future, 999.91, table["amount"].to_numpy()))
        for name in ("card_id", "merchant_id"):
            first = table[name][0]
            changed = changed.set_column(
                changed.column_names.index(name), name, pc.if_else(pa.array(future), first, table[name])
            )
        assert_equal_rows(features_of(changed), whole, np.flatnonzero(~future))


def labels_count_only_once_available(features_of, table):
    whole = features_of(table)
    available = times(table, "label_available_at")
    for now in np.unique(times(table)):
        hidden = available >= now
        other = pc.subtract(pa.scalar(1, pa.int8()), table["label"])
        flipped = replaced(table, "label", pc.if_else(pa.array(hidden), other, table["label"]).to_pylist())
        assert_equal_rows(features_of(flipped), whole, np.flatnonzero(times(table) <= now))


def availability_counts_only_once_past(features_of, table):
    whole = features_of(table)
    available = times(table, "label_available_at")
    for now in np.unique(times(table)):
        later = replaced(table, "label_available_at", np.where(available >= now, available + 7, available))
        assert_equal_rows(features_of(later), whole, np.flatnonzero(times(table) <= now))


def ties_do_not_see_one_another(features_of, table):
    whole = features_of(table)
    moments = times(table)
    for row in range(table.num_rows):
        ties = np.flatnonzero((moments == moments[row]) & (np.arange(len(moments)) != row))
        others = np.flatnonzero(np.arange(len(moments)) != row)
        alone = features_of(table.take(pa.array(others)))
        assert_equal_rows(alone, whole.take(pa.array(others)), np.searchsorted(others, ties))


def a_row_does_not_see_itself(features_of, table):
    """Its amount moves the amount itself, its z-score and its ratio; every window stays."""
    whole = features_of(table)
    windows = [n for n in whole.column_names if n != "amount" and not n.endswith(("_zscore", "_ratio"))]
    for row in range(table.num_rows):
        minor = table["amount_minor"].to_numpy().copy()
        minor[row] += 4_321
        changed = replaced(table, "amount_minor", minor)
        assert_equal_rows(features_of(changed), whole, [row], windows)


def row_order_means_nothing(features_of, table):
    whole = features_of(table)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(table.num_rows)
        assert_equal_rows(features_of(table.take(order)), whole.take(order), np.arange(len(order)))


def the_clock_may_start_anywhere(features_of, table):
    whole = features_of(table)
    names = [name for name in whole.column_names if name.startswith(("card_", "merchant_"))]
    for shift in (1_000_003, 3_600_000_000, 40_000_000_000):
        later = table
        for name in ("event_time", "label_available_at"):
            later = replaced(later, name, times(table, name) + shift)
        assert_equal_rows(features_of(later), whole, np.arange(table.num_rows), names)


def fitted_state_comes_from_train(state_of, features, folds):
    """Rows outside train may hold anything, even categories and numbers that train never saw."""
    state = state_of(features, folds)
    outside = np.array([fold != "train" for fold in folds])
    for name in features.column_names:
        column = features[name]
        if pa.types.is_string(column.type):
            column = pc.if_else(pa.array(outside), pa.scalar("other"), column)
        elif pa.types.is_floating(column.type):
            column = pa.array(np.where(outside, 1e6, column.to_numpy()).astype(np.float32))
        features = features.set_column(features.column_names.index(name), name, column)
    assert state_of(features, folds) == state


def fits_wait_for_their_labels(folds_of, time, label, available):
    """Folds follow one another in time, and no label is used before it was known."""
    folds = folds_of(time, label, available, None)
    starts = {"train": folds.folds[1].start, "valid": folds.folds[3].start, "calib": folds.folds[3].start}
    latest = -np.inf
    for fold in folds.folds:
        inside = time[folds.rows(fold.name)]
        assert inside.min() > latest
        latest = inside.max()
        used = folds.rows(fold.name) & folds.usable
        assert (available[used] <= starts.get(fold.name, np.inf)).all()


def the_future_is_unknown_as_of_a_time(folds_of, time, label, available):
    as_of = int(np.quantile(time, 0.9))
    folds = folds_of(time, label, available, as_of)
    assert (available[folds.usable] <= as_of).all()
    assert (time[folds.code >= 0] <= as_of).all()
    later = np.where(available > as_of, 1 - label, label)
    assert (folds_of(time, later, available, as_of).usable == folds.usable).all()
    assert folds_of(time, later, available, as_of).folds == folds.folds
