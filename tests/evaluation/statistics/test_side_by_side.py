"""Parts at the same time: order, errors, and threads that are counted once."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from evaluation.statistics.side_by_side import side_by_side

np.ones((2, 2)) @ np.ones((2, 2))


def blas_threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_two_items_are_worked_on_at_once_where_two_threads_are_allowed():
    meeting = threading.Barrier(2, timeout=10)
    with threadpool_limits(2, user_api="blas"):
        found = side_by_side(lambda each: (meeting.wait(), each)[1], ["a", "b"])
    assert found == ["a", "b"]


def test_each_thread_has_one_thread_of_linear_algebra_and_all_are_back_afterwards():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert side_by_side(lambda _: blas_threads(), range(3)) == [{1}] * 3
        assert blas_threads() == before


def test_one_allowed_thread_means_none_beside_the_caller():
    with threadpool_limits(1, user_api="blas"):
        assert set(side_by_side(lambda _: threading.get_ident(), range(3))) == {threading.get_ident()}


def test_the_fault_of_an_item_is_raised():
    with pytest.raises(ZeroDivisionError, match="division"), threadpool_limits(2, user_api="blas"):
        side_by_side(lambda each: 1 / each, [1, 0])
