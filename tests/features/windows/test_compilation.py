import shutil
import subprocess
import sys
from pathlib import Path

import features

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


SEVEN = """

@compiled
def quotient(value: float, divisor: float) -> float:
    return 7.0
"""
CHANGED = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from features.windows import compilation, kernels
compilation.keep_compiled_loops()
values = np.empty(1)
kernels.quotients(np.array([1]), np.array([2]), values)
print(values[0])
"""


def test_machine_code_is_not_kept_when_a_file_that_the_loop_imports_has_changed(tmp_path):
    shutil.copytree(Path(features.__file__).parent, tmp_path / "features", ignore=shutil.ignore_patterns("__pycache__"))
    finish, found = tmp_path / "features" / "windows" / "finish.py", []
    for changed in (False, True):
        source = finish.read_text()
        finish.write_text(source.replace("def quotient(", "def _quotient(") + SEVEN if changed else source)
        environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}
        command = [sys.executable, "-c", CHANGED, str(tmp_path)]
        found.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
        )
    assert found == ["0.5", "7.0"]


def test_a_machine_that_cannot_keep_it_compiles_anew(tmp_path):
    assert ran(tmp_path / "cache", read_only=True) == "[nan, 0.5]"
