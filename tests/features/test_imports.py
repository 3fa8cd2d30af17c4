"""What importing costs, and what docstrings show."""

import doctest
import importlib
import subprocess
import sys

import pytest

EXAMPLES = ("features.times", "features.split", "features.windows.aggregates")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_in_docstrings_tell_the_truth(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert failed == 0
    assert tried > 0


LIGHT = (
    "features.times",
    "features.split",
    "features.encoding_options",
    "features.schema.preset",
    "features.windows.feature_options",
)


def test_sections_and_presets_load_no_library_that_only_their_workers_need():
    heavy = ("numba", "pandas", "pyarrow", "scipy", "sklearn")
    code = f"import sys, {', '.join(LIGHT)}; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
