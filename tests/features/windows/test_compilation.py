import subprocess
import sys

IN_A_PROCESS_OF_ITS_OWN = """
import numpy as np
from features.windows import bounds, compilation, kernels
compilation.keep_compiled_loops()
values = np.empty(2)
kernels.quotients(np.array([1, 1]), np.array([0, 2]), values)
print(values.tolist())
"""


def ran(folder, read_only=False):
    folder.mkdir(exist_ok=True)
    environment = {"NUMBA_CACHE_DIR": "/proc/nowhere" if read_only else str(folder), "PATH": ""}
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_machine_code_is_kept_where_the_variable_says(tmp_path):
    assert ran(tmp_path / "cache") == "[nan, 0.5]"
    assert list((tmp_path / "cache").rglob("kernels.quotients*.nbc"))


def test_a_machine_that_cannot_keep_it_compiles_anew(tmp_path):
    assert ran(tmp_path / "cache", read_only=True) == "[nan, 0.5]"
