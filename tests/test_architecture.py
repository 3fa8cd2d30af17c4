"""The house holds: imports go one way, and heavy outsiders enter by their one door."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("features", "models", "evaluation", "pipeline")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
DOORS = {
    "mlflow": {
        "pipeline/tracking",
        "pipeline/registry",
        "pipeline/stages/export/mlflow_model.py",
        "pipeline/stages/export/serving_model.py",
    },
    "matplotlib": {"evaluation/render"},
}


def imported_packages(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("folder", ["features", "models", "evaluation"])
def test_siblings_never_import_one_another_nor_the_pipeline(folder):
    forbidden = set(FOLDERS) - {folder}
    for path in (ROOT / folder).rglob("*.py"):
        found = imported_packages(path.read_text()) & forbidden
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


@pytest.mark.parametrize("package", sorted(DOORS))
def test_an_outsider_enters_by_its_own_door_only(package):
    places = {path.relative_to(ROOT).as_posix() for path in FILES if package in imported_packages(path.read_text())}
    assert not {place for place in places if not any(Path(place).is_relative_to(door) for door in DOORS[package])}


def test_nothing_imports_a_pickle():
    for path in FILES:
        assert not imported_packages(path.read_text()) & {"pickle", "cloudpickle", "joblib", "dill"}, path


def test_the_import_reader_sees_what_it_must():
    assert imported_packages("import a.b\nfrom c.d import e\ndef f():\n    import g") == {"a", "c", "g"}


def test_no_file_is_named_for_nothing():
    assert not {path.stem for path in FILES} & {"utils", "util", "common", "helpers", "base", "misc"}
