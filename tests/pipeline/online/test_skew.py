"""What serving saw beside what it would have seen in time: differences have a cause, planted skews have none."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from features.online.state import Bounds
from pipeline.online.skew import EARLY_LABEL, LATE_LABEL, LATE_ROW, NEVER_COUNTED, log_skew, skew_of
from tests.fixtures.online_logs import SPEC, Arrival, Relabelled, disordered_logs, empty_state, in_order, random_log
from tests.fixtures.planted_skews import SKEWS, Serving
from tests.fixtures.random_tables import SECOND, START, transaction
from tests.fixtures.served_logs import log_of, served_events, start_of, written


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return start_of(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def disordered():
    return random_log(np.random.default_rng(1), rows=70)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=disordered_logs())
def test_whatever_the_order_every_difference_has_a_cause(start, case):
    assert skew_of(log_of(start, *case)).unexplained == 0


def test_disorder_and_late_labels_are_found_and_named(start, disordered):
    found = skew_of(log_of(start, *disordered))
    assert found.unexplained == 0
    assert found.by_cause[LATE_ROW] > 0
    assert found.by_cause[LATE_LABEL] > 0


def test_rows_in_order_do_not_differ(start, disordered):
    rows = disordered[0]
    assert skew_of(log_of(start, rows, in_order(rows))).differences == []


@pytest.mark.parametrize("plant", SKEWS.values(), ids=SKEWS)
def test_a_planted_skew_has_no_cause(start, disordered, plant):
    assert skew_of(log_of(start, *disordered, serving=plant())).unexplained > 0


def test_a_late_row_is_the_cause_of_what_its_group_lacked_and_of_nothing_else(start):
    rows = [transaction(second, card, 1, 100, None, 0) for second, card in ((0, "a"), (10, "a"), (10, "b"), (7, "a"))]
    found = skew_of(log_of(start, rows, [Arrival(row) for row in range(4)]))
    assert {(each.row, each.event, each.cause) for each in found.differences} == {(1, 3, LATE_ROW), (2, 3, LATE_ROW)}
    columns = {found.names[each.column] for each in found.differences if each.row == 2}
    assert columns
    assert all(name.startswith("merchant_") for name in columns)


def test_labels_are_causes_that_came_late_and_that_came_before_their_time(start):
    rows = [transaction(second, "a", 1, 100, 1 if second == 0 else None, 2) for second in (0, 10, 12, 30)]
    known = START + 5 * SECOND
    late = [Arrival(0), Arrival(1), Relabelled(0, 0, known), Arrival(2)]
    assert {(e.row, e.event, e.cause) for e in skew_of(log_of(start, rows, late)).differences} == {(1, 2, LATE_LABEL)}
    early = [Arrival(0), Relabelled(0, 0, START + 11 * SECOND), Arrival(1), Arrival(2)]
    assert {(e.row, e.cause) for e in skew_of(log_of(start, rows, early)).differences} == {(2, EARLY_LABEL)}


def test_a_row_that_came_too_late_is_the_cause_for_all_that_follow(tmp_path):
    bounds = Bounds(lateness=5 * SECOND, ahead=None, remembered=None)
    start = start_of(tmp_path / "bounded", bounds)
    rows = [transaction(second, "a", 1, 100, None, 0) for second in (0, 20, 10, 25)]
    log = [Arrival(row) for row in range(4)]

    def serving():
        made = Serving()
        made.state = empty_state(bounds=bounds)
        return made

    found = skew_of(log_of(start, rows, log, serving=serving(), bounds=bounds))
    assert {(each.row, each.event, each.cause) for each in found.differences} == {
        (1, 2, NEVER_COUNTED),
        (3, 2, NEVER_COUNTED),
    }


def test_the_table_of_differences_names_rows_columns_and_causes(tmp_path, disordered):
    start_of(tmp_path / "log")
    written(tmp_path / "log", served_events(*disordered))
    found = log_skew(tmp_path / "log", tmp_path / "skew.parquet")
    table = pq.read_table(tmp_path / "skew.parquet")
    assert table.num_rows == len(found.differences) > 0
    assert set(table["column"].to_pylist()) <= set(SPEC.names)
    assert all(each.startswith("t") for each in table["cause_transaction_id"].to_pylist())
    served, in_time = (table[name].to_numpy() for name in ("served", "in_time"))
    assert not ((served == in_time) | (np.isnan(served) & np.isnan(in_time))).any()


def test_at_least_twenty_skews_are_planted():
    assert len(SKEWS) >= 20
