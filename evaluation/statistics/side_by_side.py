"""Independent parts of a judgement at the same time, one on each core."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_info, threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What `work` makes of each item, in their order, by as many threads as numpy's linear algebra may use.

    numpy and compiled loops let other threads run, but its linear algebra would bring threads of its own to each of
    them, and all would wait for one another: while several work, each has one. Work that calls this again goes through
    its own items one by one.

    >>> side_by_side(lambda x: x * x, [3, 1, 2])
    [9, 1, 4]

    Args:
        work: what is done; it must not draw from a generator that it shares with others.
        items: what it is done to.
    """
    todo = list(items)
    threads = min(_linear_algebra_threads(), len(todo))
    if threads < 2:
        return [work(each) for each in todo]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, todo))


def _linear_algebra_threads() -> int:
    return max((each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"), default=1)
