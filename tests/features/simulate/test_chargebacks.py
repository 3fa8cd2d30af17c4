import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.simulate.chargebacks import simulated_chargebacks
from features.simulate.simulated import simulate_transactions


@pytest.fixture(scope="module")
def simulated():
    transactions = simulate_transactions(20_000, seed=1).transactions
    return transactions, simulated_chargebacks(transactions, rng=np.random.default_rng(2))


def test_the_last_report_of_a_transaction_says_what_its_label_does(simulated):
    transactions, feed = simulated
    last = dict(zip(feed["transaction_id"].to_pylist(), feed["outcome"].to_pylist(), strict=True))
    frauds = transactions.filter(pc.equal(transactions["label"], 1))["transaction_id"].to_pylist()
    assert {key for key, outcome in last.items() if outcome == "fraud"} == {*frauds}
    assert 0 < sum(outcome == "overturned" for outcome in last.values()) < 200


def test_reports_come_in_order_of_time_and_none_before_its_transaction(simulated):
    transactions, feed = simulated
    at = feed["reported_at"].cast(pa.int64()).to_numpy()
    assert (np.diff(at) >= 0).all()
    event = transactions["event_time"].cast(pa.int64()).to_numpy()[feed["transaction_id"].to_numpy() - 1]
    assert (at > event).all()


def test_some_are_delivered_twice_and_some_frauds_are_overturned_in_between(simulated):
    _, feed = simulated
    rows = list(zip(*(feed[name].to_pylist() for name in feed.column_names), strict=True))
    assert len({*rows}) < len(rows)
    steps = {}
    for key, _, outcome in dict.fromkeys(rows):
        steps.setdefault(key, []).append(outcome)
    assert ["fraud", "overturned", "fraud"] in steps.values()


def test_the_same_seed_gives_the_same_feed(simulated):
    transactions, feed = simulated
    assert simulated_chargebacks(transactions, rng=np.random.default_rng(2)).equals(feed)
