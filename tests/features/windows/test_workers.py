import threading

import numpy as np
import pytest

from features.windows.workers import BLOCK, Scratch, Workers


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("pieces", [0, 1, 3, 200])
def test_results_stand_in_the_order_of_the_work(threads, pieces):
    with Workers(threads) as workers:
        assert workers.map(lambda piece: piece * piece, range(pieces)) == [piece * piece for piece in range(pieces)]


def test_all_threads_work_at_once():
    together = threading.Barrier(3)
    with Workers(3) as workers:
        workers.map(lambda _: together.wait(timeout=20), range(3))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_work_may_share_out_work_of_its_own(threads):
    with Workers(threads) as workers:
        made = workers.map(lambda piece: sum(workers.map(lambda part: piece + part, range(20))), range(20))
    assert made == [20 * piece + 190 for piece in range(20)]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fault_ends_the_work_and_is_raised(threads):
    begun = []

    def work(piece):
        begun.append(piece)
        raise ValueError("broken")

    with Workers(threads) as workers, pytest.raises(ValueError, match="broken"):
        workers.map(work, range(1000))
    assert len(begun) <= threads


def test_arrays_of_one_scratch_share_no_byte_until_it_is_cleared():
    rng = np.random.default_rng(4)
    scratch = Scratch()
    for _ in range(3):
        sizes = [*rng.integers(0, 300_000, 100), BLOCK // 8, BLOCK // 8 + 1]
        dtypes = [np.dtype(name).type for name in rng.choice(["int8", "int32", "float64"], len(sizes))]
        arrays = [scratch.empty(int(size), dtype) for size, dtype in zip(sizes, dtypes, strict=True)]
        for number, array in enumerate(arrays):
            array[:] = number
        for number, (array, size, dtype) in enumerate(zip(arrays, sizes, dtypes, strict=True)):
            assert (len(array), array.dtype.type) == (size, dtype)
            assert array.flags.aligned
            assert (array == number).all()
        scratch.clear()


def test_a_cleared_scratch_gives_the_same_memory_again():
    scratch = Scratch()
    first = scratch.empty(1000, np.int64).ctypes.data
    scratch.clear()
    assert scratch.empty(10, np.int32).ctypes.data == first


def test_nobody_else_has_the_scratch_of_a_block():
    with Workers(2) as workers:
        with workers.scratch() as one, workers.scratch() as other:
            assert one is not other
        with workers.scratch() as again:
            assert again in (one, other)
