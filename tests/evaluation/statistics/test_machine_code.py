"""Compiled loops: what they keep, and that they run where nothing can be kept."""

import subprocess
import sys

import numpy as np

from evaluation.statistics.machine_code import inlined, machine_code


@inlined
def _doubled(value):
    return 2.0 * value


@machine_code
def sum_of_quotients(values, divisor):
    """Σ 2 v / d."""
    total = 0.0
    for each in values:
        total += _doubled(each) / divisor
    return total


def test_a_loop_is_what_python_would_compute_and_keeps_its_name():
    assert sum_of_quotients(np.array([1.0, 2.0]), 4.0) == 1.5
    assert sum_of_quotients.__name__ == "sum_of_quotients"


def test_division_by_zero_is_that_of_numpy():
    assert sum_of_quotients(np.array([1.0]), 0.0) == np.inf


def test_a_machine_without_a_writable_place_compiles_all_the_same(tmp_path):
    program = (
        "from evaluation.statistics.logistic_line import score_and_information as s; import numpy as np;"
        "print(s(np.ones(1), np.zeros(1), np.ones(1), np.ones(1))[0].tolist())"
    )
    nowhere = {"NUMBA_CACHE_DIR": "/proc/nowhere", "PATH": "", "HOME": "/proc/nowhere"}
    done = subprocess.run([sys.executable, "-c", program], env=nowhere, capture_output=True, text=True, check=False)
    assert done.stdout == "[1.0, 1.0]\n", done.stderr
