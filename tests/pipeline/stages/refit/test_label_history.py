"""Which labels a moment lets be used, and for how many of their class they stand."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from features.earlier_labels import EarlierLabels
from features.times import DAY
from pipeline.stages.refit.label_history import History, Stretch


def history(*, rows=8000, as_of=60 * DAY, most=2.0, fraud_delay=3.0, warm_from=0, approval=None, seed=1):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(1, 60 * DAY, rows))
    truth = (rng.random(rows) < 0.1).astype(np.float32)
    delay = (rng.exponential(np.where(truth == 1, fraud_delay, 1.0)) * DAY).astype(np.int64)
    label = np.where(time + delay <= as_of, truth, np.nan) if as_of is not None else truth
    table = pa.table({"event_time": pa.array(time).cast(pa.timestamp("us", "UTC")), "amount": rng.random(rows)})
    return History(table, label, time, time + delay, approval, warm_from, as_of, most), truth


def test_no_label_is_used_that_came_after_the_deadline():
    known, _ = history()
    rows = known.rows(Stretch(10 * DAY, 40 * DAY, 40 * DAY), approval_cap=1.0, learning=True)
    places = rows.first + np.flatnonzero(rows.usable)
    assert (known.available_at[places] <= 40 * DAY).all()
    assert rows.table["event_time"].cast("int64").to_numpy().max() <= 40 * DAY


def test_nobody_stands_for_more_than_allowed():
    known, _ = history(most=2.0)
    weight = known.rows(Stretch(0, 60 * DAY, 60 * DAY), approval_cap=1.0, learning=True).labelled["label_weight"]
    assert weight.to_numpy().max() <= 2.0 + 1e-6


def test_weights_make_up_for_the_late_frauds():
    known, truth = history(rows=40_000, fraud_delay=4.0)
    rows = known.rows(Stretch(0, 60 * DAY, 60 * DAY), approval_cap=1.0, learning=True)
    table = rows.labelled
    ages = known.event_time[rows.first :][rows.usable].max()
    of_these_ages = known.event_time <= ages
    found = np.average(table["label"].to_numpy(), weights=table["label_weight"].to_numpy())
    plain = table["label"].to_numpy().mean()
    assert abs(found - truth[of_these_ages].mean()) < abs(plain - truth[of_these_ages].mean())
    assert found == pytest.approx(truth[of_these_ages].mean(), rel=0.03)


def test_without_a_deadline_every_label_counts_once():
    known, truth = history(as_of=None)
    rows = known.rows(Stretch(0, 60 * DAY, None), approval_cap=1.0, learning=True)
    assert rows.usable.all()
    assert rows.frauds == truth.sum()
    assert set(rows.labelled["label_weight"].to_pylist()) == {1.0}


def test_cold_rows_are_scored_and_not_learned_from():
    known, _ = history(as_of=None, warm_from=20 * DAY)
    stretch = Stretch(0, 60 * DAY, None)
    learned, scored = (known.rows(stretch, approval_cap=1.0, learning=each) for each in (True, False))
    assert known.event_time[learned.usable].min() >= 20 * DAY
    assert scored.usable.all()


def test_what_became_known_later_changes_nothing():
    known, truth = history(seed=3)
    later = known.available_at > 40 * DAY
    other = History(known.features, np.where(later, 1 - truth, known.label), known.event_time, known.available_at,
                    None, 0, known.as_of, known.most)  # fmt: skip
    stretch = Stretch(5 * DAY, 40 * DAY, 40 * DAY)
    one, two = (each.rows(stretch, approval_cap=1.0, learning=True).table for each in (known, other))
    assert one.equals(two)


def test_a_label_that_flipped_later_is_what_it_was_at_the_deadline():
    known, truth = history(as_of=None)
    place = int(np.flatnonzero((truth == 0) & (known.event_time < 20 * DAY))[0])
    flip = 50 * DAY
    known.available_at[place] = flip
    one = EarlierLabels(*(np.array([each]) for each in (place, np.int8(1), known.event_time[place] + DAY, flip)))
    disputed = replace(known, earlier=one)
    stretch = Stretch(0, 30 * DAY, 40 * DAY)
    before = disputed.rows(stretch, approval_cap=1.0, learning=True)
    assert before.usable[place]
    assert before.table["label"][place].as_py() == 1
    assert (
        disputed.rows(replace(stretch, deadline=55 * DAY), approval_cap=1.0, learning=True)
        .table["label"][place]
        .as_py()
        == 0
    )
