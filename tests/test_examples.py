"""The examples in docstrings are executed, and every public statistic has one."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("features", "models", "evaluation")
MACHINERY = {"resampling", "sample"}
"""What statistics are computed with: a checked sample, and its sums by cluster."""
STATISTICS = [
    path for path in sorted((ROOT / "evaluation" / "statistics").glob("[a-z]*.py")) if path.stem not in MACHINERY
]
SHOWN = [*STATISTICS, ROOT / "models" / "losses.py"]
"""Files whose public functions all carry an example."""
WITH_EXAMPLES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")
)


def named(paths):
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


@pytest.mark.parametrize("path", named(WITH_EXAMPLES))
def test_every_example_gives_what_it_says(path):
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize("path", named(SHOWN))
def test_every_public_function_of_a_statistic_shows_an_example(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert [node.name for node in public if ">>> " not in (ast.get_docstring(node) or "")] == []
