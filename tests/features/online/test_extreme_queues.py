import numpy as np
import pytest

from features.online import arena, chains, extreme_queues
from features.online.records import KindFields

QUEUE = 100
ROWS_OF_TWO = 200


@pytest.fixture
def memory():
    words = arena.reserved_words(100_000, fewest=100_000)
    words[arena.NEXT] = 1000
    words[ROWS_OF_TWO : ROWS_OF_TWO + 4] = KindFields(at=0, width=2, shift=2, unused=arena.OWN_LISTS)
    return words


@pytest.mark.parametrize("disorder", [0, 30])
def test_the_largest_amount_since_any_moment_is_found_whatever_the_order_of_arrival(memory, disorder):
    rng = np.random.default_rng(1)
    times = np.sort(rng.integers(0, 200, 400))
    amounts = rng.integers(0, 50, 400)
    arrived = np.argsort(np.arange(400) + rng.exponential(disorder + 1e-9, 400))
    for count, row in enumerate(arrived, start=1):
        extreme_queues.enqueue(memory, QUEUE, ROWS_OF_TWO, times[row], amounts[row])
        edge = int(rng.integers(0, 210))
        inside = [amounts[each] for each in arrived[:count] if times[each] >= edge]
        time, amount = extreme_queues.largest_from(memory, QUEUE, ROWS_OF_TWO, edge)
        assert (amount if time >= edge else None) == max(inside, default=None)


def test_rows_that_are_too_old_go(memory):
    for time in range(100):
        extreme_queues.enqueue(memory, QUEUE, ROWS_OF_TWO, time, 1000 - time)
        extreme_queues.forget_until(memory, QUEUE, ROWS_OF_TWO, time - 20)
    assert memory[QUEUE + chains.END] - memory[QUEUE + chains.FIRST] <= 24
    assert extreme_queues.largest_from(memory, QUEUE, ROWS_OF_TWO, 85) == (85, 915)


def test_a_row_that_a_later_one_exceeds_is_not_kept(memory):
    for time, amount in ((1, 5), (3, 9), (2, 7), (3, 9)):
        extreme_queues.enqueue(memory, QUEUE, ROWS_OF_TWO, time, amount)
    assert memory[QUEUE + chains.END] == 1
