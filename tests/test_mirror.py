"""Every file that holds logic has its tests where a reader looks for them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("features", "models", "evaluation", "pipeline")


def holds_logic(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return path.name != "__init__.py" and any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_of_logic_has_a_test_file_in_its_place(folder):
    files = [path.relative_to(ROOT) for path in sorted((ROOT / folder).rglob("*.py")) if holds_logic(path)]
    assert files
    assert [f"{path}" for path in files if not (ROOT / "tests" / path.parent / f"test_{path.name}").is_file()] == []


def test_every_test_file_holds_a_test():
    files = [path for path in (ROOT / "tests").rglob("test_*.py")]
    assert [path.name for path in files if "def test_" not in path.read_text(encoding="utf-8")] == []
