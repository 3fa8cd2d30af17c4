"""The laws of the online features: in order, in any order, convergence, replay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.online.state import Bounds, LabelChange, OnlineState, Outcome
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from tests.fixtures.online_logs import (
    KEYS,
    SPEC,
    UNBOUNDED,
    Arrival,
    Relabelled,
    answers,
    assert_same_values,
    batch_answers_of,
    column_values,
    disordered_logs,
    empty_state,
    in_order,
    random_log,
    row_of,
    spec_for,
)
from tests.fixtures.random_tables import SCHEMA, SECOND, TRANSACTIONS, table_of, transaction
from tests.oracles.windows_naive import naive_features

ROWS = st.lists(TRANSACTIONS, min_size=1, max_size=25)
SPECS = st.builds(
    lambda windows, horizon, card, merchant, pair: spec_for(
        windows=windows, horizon=horizon, aggregates={"card": card, "merchant": merchant, "card+merchant": pair}
    ),
    windows=st.lists(st.sampled_from(["1s", "3s", "7s", "30s"]), min_size=1, max_size=3, unique=True),
    horizon=st.sampled_from([None, "4s", "25s"]),
    card=st.lists(
        st.sampled_from(["count", "merchants", "amount_std", "amount_min", "2s_fraud_count"]), min_size=1, unique=True
    ),
    merchant=st.lists(
        st.sampled_from(["cards", "amount_max", "fraud_run_seconds", "previous_2_same_card"]), unique=True
    ),
    pair=st.lists(st.sampled_from(["first_seen", "previous_2_seconds", "9s_amount_zscore", "last_label"]), unique=True),
)


@settings(deadline=None, max_examples=120)
@given(rows=ROWS)
def test_rows_in_order_have_the_bits_of_the_table(rows):
    log = in_order(rows)
    table = column_values(window_features(table_of(rows), spec=SPEC, threads=1), SPEC)
    assert_same_values(answers(empty_state(), rows, log), table[[event.row for event in log]])


@settings(deadline=None, max_examples=220)
@given(case=disordered_logs())
def test_rows_and_labels_in_any_order_have_the_bits_of_the_table_of_what_had_arrived(case):
    rows, log = case
    assert_same_values(answers(empty_state(), rows, log), batch_answers_of(rows, log))


@settings(deadline=None, max_examples=60)
@given(spec=SPECS, case=disordered_logs())
def test_so_they_have_under_any_specification(spec, case):
    rows, log = case
    assert_same_values(answers(empty_state(spec), rows, log), batch_answers_of(rows, log, spec), spec)


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(TRANSACTIONS, min_size=1, max_size=12))
def test_rows_in_order_equal_the_naive_double_loop(rows):
    log = in_order(rows)
    naive = naive_features(rows, SPEC)
    expected = np.array([[np.nan if v is None else v for v in naive[name]] for name in SPEC.names]).T
    np.testing.assert_allclose(answers(empty_state(), rows, log), expected[[event.row for event in log]], rtol=1e-6)


@pytest.mark.parametrize("disorder", [0.1, 5, 60])
def test_long_logs_with_bounded_lateness_drop_what_nobody_can_ask_for_and_no_more(disorder):
    rows, log = random_log(np.random.default_rng(7), rows=700, seconds=700, disorder=disorder)
    newest, late, spec = 0, 0, spec_for(horizon="60s")
    for event in (each for each in log if isinstance(each, Arrival)):
        late = max(late, newest - rows[event.row]["event_time"])
        newest = max(newest, rows[event.row]["event_time"])
    state = empty_state(spec, bounds=Bounds(lateness=late, ahead=None, remembered=None))
    assert_same_values(answers(state, rows, log), batch_answers_of(rows, log, spec), spec)


@settings(deadline=None, max_examples=40)
@given(case=disordered_logs(), asked=TRANSACTIONS)
def test_after_a_whole_log_it_makes_no_difference_in_which_order_it_came(case, asked):
    rows, log = case
    final = {event.row: event for event in log if isinstance(event, Relabelled)}
    healed, sorted_state = empty_state(), empty_state()
    answers(healed, rows, log)
    answers(sorted_state, rows, [*in_order(rows), *final.values()])
    values = np.empty((2, len(SPEC.names)), np.float32)
    for state, own in zip((healed, sorted_state), values, strict=True):
        state.ask(row_of(asked, state=state), own)
    assert_same_values(values[:1], values[1:])


def test_the_same_events_make_the_same_state_through_snapshots_and_questions():
    rows, log = random_log(np.random.default_rng(3), rows=150)
    whole, halves = empty_state(), empty_state()
    expected = answers(whole, rows, log)
    first = answers(halves, rows, log[:90])
    halves.ask(row_of(rows[0] | {"event_time": rows[0]["event_time"] + 10**9}, state=halves), expected[0].copy())
    again = OnlineState.restored(SPEC, halves.words(), keys=KEYS, reserved=1 << 22)
    assert again.digest() == halves.digest()
    assert_same_values(np.concatenate([first, answers(again, rows, log[90:])]), expected)
    assert again.digest() == whole.digest()
    assert again.digest() != halves.digest()


def test_a_question_tells_what_acceptance_would_and_changes_nothing():
    rows, log = random_log(np.random.default_rng(5), rows=80)
    state, values = empty_state(), np.empty((2, len(SPEC.names)), np.float32)
    for event in (each for each in log if isinstance(each, Arrival)):
        before = state.digest()
        row = row_of(rows[event.row], event.row, state=state)
        state.ask(row, values[0])
        assert state.digest() == before
        state.accept(row, values[1])
        assert_same_values(values[:1], values[1:])


def test_a_row_that_comes_again_counts_once_and_one_with_other_content_never():
    rows = [transaction(second, "a", 1, 100, None, 0) for second in (0, 1)]
    state, values = empty_state(), np.full(len(SPEC.names), 7, np.float32)
    assert state.accept(row_of(rows[0], "x", state=state), values) is Outcome.EXACT
    before, values[:] = state.digest(), 7
    assert state.accept(row_of(rows[0], "x", state=state), values) is Outcome.REPEATED
    assert state.accept(row_of(rows[1], "x", state=state), values) is Outcome.CONFLICT
    assert state.accept(row_of(rows[0] | {"card_id": "b"}, "x", state=state), values) is Outcome.CONFLICT
    assert state.digest() == before
    assert (values == 7).all()


def test_a_row_beyond_the_bound_is_answered_and_in_no_window():
    state = empty_state(bounds=Bounds(lateness=5 * SECOND, ahead=None, remembered=None))
    values = np.empty(len(SPEC.names), np.float32)
    count = SPEC.names.index("card_20s_count")
    outcomes = []
    for second in (0, 10, 5, 4, 10):
        row = row_of(transaction(second, "a", 1, 100, None, 0), second, state=state)
        outcomes.append((state.accept(row._replace(key=None), values), values[count]))
    assert [*map(tuple, outcomes)] == [
        (Outcome.EXACT, 0),
        (Outcome.EXACT, 1),
        (Outcome.LATE, 1),
        (Outcome.TOO_LATE, 1),
        (Outcome.EXACT, 2),
    ]
    assert state.rows == 4


def test_a_clock_that_is_far_ahead_and_an_amount_beyond_bounds_are_refused():
    state = empty_state(bounds=Bounds(lateness=None, ahead=SECOND, remembered=None))
    values, rows = np.empty(len(SPEC.names), np.float32), [transaction(s, "a", 1, 100, None, 0) for s in (0, 1, 3)]
    outcomes = [state.accept(row_of(row, state=state), values) for row in rows]
    assert outcomes == [Outcome.EXACT, Outcome.EXACT, Outcome.TOO_FAR_AHEAD]
    for amount in (-1, 2**40 + 1):
        assert state.accept(row_of(rows[1] | {"amount_minor": amount}, state=state), values) is Outcome.AMOUNT
    assert (state.rows, state.newest) == (2, rows[1]["event_time"])


def test_a_label_finds_its_row_by_its_key_or_brings_its_ids():
    rows = [transaction(second, "a", 1, 100, None, 0) for second in (0, 9)]
    for bounds in (UNBOUNDED, Bounds(lateness=None, ahead=None, remembered=0)):
        state, values = empty_state(bounds=bounds), np.empty((2, len(SPEC.names)), np.float32)
        state.accept(row_of(rows[0], "x", state=state), values[0])
        ids = [rows[0][name] for name in state.plan.ids]
        assert state.change_label(LabelChange("x", 1, rows[0]["event_time"], ids))
        assert state.change_label(LabelChange("x", 0, rows[0]["event_time"], ids, (1, rows[0]["event_time"])))
        assert not state.change_label(LabelChange("y", 1, rows[0]["event_time"]))
        state.ask(row_of(rows[1], state=state), values[1])
        counts = [values[1][SPEC.names.index(f"merchant_20s_{name}")] for name in ("label_count", "fraud_count")]
        assert counts == [1, 0]


def test_rows_are_forgotten_by_their_key_once_they_are_old():
    state = empty_state(bounds=Bounds(lateness=None, ahead=None, remembered=5 * SECOND))
    values = np.empty(len(SPEC.names), np.float32)
    for second in range(200):
        state.accept(row_of(transaction(second, "a", 1, 100, None, 0), second, state=state), values)
    assert state.change_label(LabelChange(197, 1, 0))
    assert not state.change_label(LabelChange(150, 1, 0))


def test_the_default_specification_can_be_asked_of_any_row():
    spec = feature_spec(FeaturesConfig(), columns=SCHEMA.names)
    state = empty_state(spec)
    assert set(state.plan.names) == {column.name for column in spec.columns if column.entity}
    assert state.plan.by_batch == ()


def test_a_snapshot_of_another_specification_is_refused():
    words = empty_state(spec_for(windows=["5s"], aggregates={"card": ["count"]}, entities=["card"])).words()
    with pytest.raises(ValueError, match="a state of this specification must begin with the"):
        OnlineState.restored(SPEC, words, keys=KEYS)


def test_a_state_that_is_full_says_so_and_keeps_what_it_has():
    spec = spec_for(windows=["5s"], aggregates={"card": ["count"]}, entities=["card"])
    state = OnlineState.empty(spec, bounds=UNBOUNDED, keys=KEYS, words=1 << 15)
    values = np.empty(1, np.float32)

    def fill():
        for second in range(100_000):
            state.accept(row_of(transaction(second, f"{second}", 1, 1, None, 0), second, state=state), values)

    with pytest.raises(ValueError, match=r"the state must fit \d+ words, and the next row may not"):
        fill()
    assert state.rows > 0


def test_loading_the_loops_changes_nothing():
    rows, _ = random_log(np.random.default_rng(3), rows=20)
    state = empty_state()
    answers(state, rows, in_order(rows))
    before = state.digest()
    state.load_loops()
    assert (state.digest(), state.rows) == (before, len(rows))
