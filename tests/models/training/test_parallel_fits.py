"""Fits on a core each."""

import threading

import pytest
import torch

from models.options import TrainConfig
from models.training.parallel_fits import cores, parallel_fits


def test_results_come_in_the_order_that_was_given_whoever_ends_first():
    ended = threading.Event()

    def work(number):
        if number == 0:
            assert ended.wait(timeout=30)
        else:
            ended.set()
        return 10 * number

    assert parallel_fits(2, work, [0, 1, 2]) == [0, 10, 20]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_fit_has_one_torch_thread_where_several_run_and_all_of_them_alone(workers):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = parallel_fits(workers, lambda _: torch.get_num_threads(), "ab")
        assert found == [1, 1] if workers == 2 else [3, 3]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_fault_of_one_is_that_of_all():
    def work(number):
        raise ValueError(f"{number} is no good")

    with pytest.raises(ValueError, match="is no good"):
        parallel_fits(2, work, [1, 2])


def test_as_many_at_once_as_threads_are_configured():
    assert cores(TrainConfig(device="cpu", threads=5)) == 5
