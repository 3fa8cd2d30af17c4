import numpy as np
import pyarrow.compute as pc
import pytest

from features.simulate.blocking_policy import ACTIONS, BLOCKED_SHARE, LEAST, MOST, decisions
from features.simulate.simulated import simulate_transactions


@pytest.fixture(scope="module")
def censored():
    return simulate_transactions(60_000, seed=5, scenario="censored")


def drawn(rows=200_000, seed=1):
    rng = np.random.default_rng(seed)
    probability, amount = rng.beta(0.05, 2.0, rows).clip(1e-6, 1 - 1e-6), rng.lognormal(3.5, 1.0, rows)
    return probability, amount, decisions(probability, amount, rng=rng)


def test_the_world_under_the_policy_is_the_one_without_it(censored):
    free = simulate_transactions(60_000, seed=5)
    for name in ("event_time", "card_id", "merchant_id", "amount", "distance_km"):
        assert censored.transactions[name].equals(free.transactions[name])
    assert (censored.label == free.transactions["label"].to_numpy()).all()


def test_a_blocked_row_has_no_label_but_an_investigators(censored):
    table = censored.transactions
    blocked = table.filter(pc.equal(table["action"], "blocked"))
    labelled = blocked.filter(blocked["label"].is_valid())
    assert 0 < labelled.num_rows < blocked.num_rows
    assert set(labelled["label_source"].to_pylist()) == {"investigator"}
    assert table.filter(pc.not_equal(table["action"], "blocked"))["label"].null_count == 0


def test_exploration_falls_with_what_is_at_stake_and_keeps_a_floor():
    _, amount, decided = drawn()
    p = decided.approval_probability
    explored = p < 1
    assert explored.mean() == pytest.approx(BLOCKED_SHARE, rel=0.01)
    assert p[explored].min() == LEAST
    assert p[explored].max() <= MOST
    assert p[explored & (amount > 100)].mean() < p[explored & (amount < 10)].mean()


def test_rows_are_let_through_as_often_as_the_log_says():
    _, _, decided = drawn()
    explored = decided.approval_probability < 1
    through = decided.action[explored] != ACTIONS.index("blocked")
    p = decided.approval_probability[explored]
    assert through.sum() == pytest.approx(p.sum(), abs=4 * np.sqrt((p * (1 - p)).sum()))
    assert (decided.action[~explored] != ACTIONS.index("blocked")).all()


def test_logged_probabilities_give_back_the_frauds_that_were_lost(censored):
    table = censored.transactions
    left = pc.not_equal(table["action"], "blocked").to_numpy()
    weight = 1 / table["approval_probability"].to_numpy()
    true = censored.label.sum()
    assert censored.label[left].sum() < 0.8 * true
    assert (censored.label * weight)[left].sum() == pytest.approx(true, rel=0.15)
