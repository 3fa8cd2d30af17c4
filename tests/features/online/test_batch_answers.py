import numpy as np
import pytest

from features.online.state import LabelChange, Row
from features.windows.aggregates import AGGREGATES, Aggregate
from tests.fixtures.online_logs import answers, assert_same_values, batch_answers_of, empty_state, random_log, spec_for
from tests.fixtures.random_tables import SECOND, START

PLUGINS = {
    "amount_range": Aggregate(
        lambda chunk, window: chunk.extremes(window, largest=True) - chunk.extremes(window, largest=False),
        "largest minus smallest amount of {rows}",
        of="amount",
        money=True,
    ),
    "visits_again": Aggregate(
        lambda chunk, window: chunk.counts(window) - chunk.distinct(window, "merchant"),
        "rows of which the merchant, or that there is none, is not new, of {rows}",
        of="merchant_id",
        dtype="int32",
    ),
    "clear_labels": Aggregate(
        lambda chunk, window: chunk.labels(window) - chunk.frauds(window),
        "number of legitimate labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
        dtype="int32",
    ),
    "ever_seen": Aggregate(
        lambda chunk, past: 1 - chunk.first_seen(past), "1 where there are {rows}", windowed=False, past_only=True
    ),
}


@pytest.mark.parametrize("horizon", ["30s", None])
def test_an_aggregate_without_a_loop_has_the_bits_of_its_own_function(monkeypatch, horizon):
    for name, aggregate in PLUGINS.items():
        monkeypatch.setitem(AGGREGATES, name, aggregate)
    own = ["amount_range", "clear_labels", "ever_seen"]
    card, pair = [*own, "count", "10s_visits_again", "40s_count"], [*own, "seconds_since_last"]
    spec = spec_for(aggregates={"card": card, "merchant": own, "card+merchant": pair}, horizon=horizon)
    rows, log = random_log(np.random.default_rng(4), rows=60)
    state = empty_state(spec)
    assert len(state.plan.by_batch) == 3 * 5 + 1
    assert_same_values(answers(state, rows, log), batch_answers_of(rows, log, spec), spec)


def test_labels_of_a_group_are_no_rows_of_it_for_an_aggregate_without_a_window(monkeypatch):
    monkeypatch.setitem(AGGREGATES, "ever_seen", PLUGINS["ever_seen"])
    spec = spec_for(aggregates={"card": ["ever_seen", "fraud_count"], "merchant": [], "card+merchant": []})
    state, values = empty_state(spec), np.zeros(3, np.float32)
    state.change_label(LabelChange("elsewhere", 1, START, ["a", None][: len(state.plan.ids)]))
    state.accept(Row(START + SECOND, 1, ["a", None][: len(state.plan.ids)]), values)
    assert dict(zip(state.plan.names, values.tolist(), strict=True))["card_ever_seen"] == 0.0
