"""What a group answers, by hand."""

import numpy as np
import pytest

from tests.fixtures.online_logs import SPEC, answers, empty_state, in_order, row_of
from tests.fixtures.random_tables import START, transaction

ROWS = [
    transaction(0, "a", 1, 100, 0, 4),
    transaction(2, "a", 2, 300, 1, 3),
    transaction(2, "a", 1, 500, 1, 9),
    transaction(6, "a", None, 0, 1, 1),
]


@pytest.fixture
def answered():
    state = empty_state()
    answers(state, ROWS, in_order(ROWS))
    values = np.empty(len(SPEC.names), np.float32)

    def at(second, card="a", merchant=1, minor=600):
        state.ask(row_of(transaction(second, card, merchant, minor, None, 0), state=state), values)
        return dict(zip(SPEC.names, values.tolist(), strict=True))

    return at


def test_amounts_of_a_window(answered):
    found = answered(7)
    names = ("count", "amount_sum", "amount_mean", "amount_max", "amount_min", "amount_ratio", "merchants")
    assert [found[f"card_5s_{name}"] for name in names] == [3, 8, np.float32(8 / 3), 5, 0, 2.25, 2]
    assert found["card_5s_amount_std"] == np.float32(np.std([3, 5, 0], ddof=1))
    assert found["card_5s_amount_zscore"] == np.float32((600 - 800 / 3) / np.std([300, 500, 0], ddof=1))


def test_a_row_of_the_same_time_is_not_seen(answered):
    found = answered(6)
    assert [found[f"card_5s_{name}"] for name in ("count", "amount_min", "merchants")] == [2, 3, 2]
    assert (found["card_seconds_since_last"], answered(6.5 and 7)["card_seconds_since_last"]) == (4, 1)


def test_an_empty_window_has_no_mean_and_counts_nothing(answered):
    found = answered(50)
    assert [found[f"card_5s_{name}"] for name in ("count", "amount_sum", "merchants", "label_count")] == [0, 0, 0, 0]
    assert np.isnan(
        [found[f"card_5s_{name}"] for name in ("amount_mean", "amount_max", "amount_std", "fraud_rate")]
    ).all()
    assert (found["card_first_seen"], found["card_seconds_since_last"]) == (0, 44)


def test_the_last_moments(answered):
    found = answered(7)
    assert [found[f"card_previous_{k}_seconds"] for k in (1, 3)] == [1, 7]
    assert np.isnan(found["card_previous_1_amount_ratio"])
    assert found["card_previous_3_amount_ratio"] == 6
    assert [found[f"card_previous_{k}_same_merchant"] for k in (1, 3)] == [0, 1]
    assert np.isnan(answered(7, merchant=None)["card_previous_1_same_merchant"])


def test_labels_as_they_are_known(answered):
    found = answered(8)
    names = ("label_count", "fraud_count", "fraud_rate", "last_label", "seconds_since_last_fraud", "fraud_run_length")
    assert [found[f"card_5s_{name}"] for name in names] == [3, 2, np.float32(2 / 3), 1, 1, 2]
    assert found["card_5s_fraud_run_seconds"] == 3
    assert found["card_20s_fraud_rate_20_at_50bp"] == np.float32((2 + 0.1) / 23)
    assert [answered(5)[f"card_5s_{name}"] for name in names[:4]] == [1, 0, 0, 0]


def test_a_group_that_is_not_known_has_seen_nothing_and_a_null_has_nothing_to_see(answered):
    found = answered(7, card="new")
    assert (found["card_5s_count"], found["card_first_seen"], found["card_merchant_first_seen"]) == (0, 1, 1)
    nowhere = answered(7, card=None)
    assert all(np.isnan(value) for name, value in nowhere.items() if name.startswith("card"))
    assert nowhere["merchant_5s_count"] == 1
    assert ROWS[3]["event_time"] > START
