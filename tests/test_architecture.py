"""The house stands: imports go down the floors, stages are strangers, and heavy outsiders enter by their own doors."""

import ast
import graphlib
from collections import Counter
from pathlib import Path

import pytest

from pipeline.stages import STAGES

ROOT = Path(__file__).parent.parent
FOLDERS = ("features", "models", "evaluation", "pipeline")
FLOORS = (  # from the ground up; a file may import its own floor and every lower one
    "pipeline.storage",
    "pipeline.process",
    "pipeline.reading",
    "pipeline.bundle",
    "pipeline.sections",
    "pipeline.config",
    "pipeline.notices",
    "pipeline.state",
    "pipeline.tracking",
    "pipeline.outcomes",
    "pipeline.stages",
    "pipeline.inspection",
    "pipeline.registry",
    "pipeline.runs",
    "pipeline.run",
    "pipeline.online",
    "pipeline.serve",
    "pipeline.schedule",
    "pipeline.dagster_defs",
    "pipeline.reference",
    "pipeline.cli",
)
ROOMS = tuple(f"pipeline.stages.{stage.name}" for stage in STAGES)
ONE_IN_EACH_FOLDER = {"errors", "options"}
"""The folders do not know one another: each has its own class for what it refuses, its own light sections."""
READERS_OF_TYPES = ("column_text", "column_types", "faults", "number_text", "values")
"""What a bundle shares with ingest: one reading of numbers and texts, of whatever type they come."""
DOORS = {
    "mlflow": (
        "pipeline/tracking",
        "pipeline/registry",
        "pipeline/stages/export/mlflow_model.py",
        "pipeline/stages/export/serving_model.py",
    ),
    "matplotlib": ("evaluation/render",),
    "deltalake": ("pipeline/reading/delta_table.py",),
    "pyiceberg": ("pipeline/reading/iceberg_table.py",),
}


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}


def imported_names(source: str) -> set[str]:
    """Every name that a source imports, inside functions and for type checkers too; some may be attributes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def own_modules(name: str) -> set[str]:
    """Harbor's modules that a module imports; a package counts where nothing below it is named."""
    found = imported_names(MODULES[name].read_text(encoding="utf-8")) & MODULES.keys()
    return {each for each in found if not any(other.startswith(f"{each}.") for other in found)} - {name}


NAMES = {name: imported_names(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
IMPORTS = {name: own_modules(name) for name in MODULES}
PACKAGES = {name: {each.partition(".")[0] for each in names} for name, names in NAMES.items()}


def inside(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def floor(name: str) -> int | None:
    return next((place for place, room in enumerate(FLOORS) if inside(name, room)), None)


def test_no_file_imports_itself_by_way_of_others():
    graphlib.TopologicalSorter(IMPORTS).prepare()  # CycleError names the files


@pytest.mark.parametrize("name", sorted(name for name in MODULES if name.startswith("pipeline.")))
def test_imports_go_down_the_floors(name):
    own = floor(name)
    assert own is not None, f"{name} stands on no floor: give it one"
    assert not {other for other in IMPORTS[name] if (floor(other) or 0) > own}, f"{name} imports upwards"


@pytest.mark.parametrize("room", ROOMS)
def test_stages_are_strangers_to_one_another(room):
    assert any(inside(name, room) for name in MODULES), f"the stage has no room {room}"
    others = [other for other in ROOMS if other != room]
    for name in (name for name in MODULES if inside(name, room)):
        assert not {each for each in IMPORTS[name] if any(inside(each, other) for other in others)}, name


@pytest.mark.parametrize("name", sorted(name for name in MODULES if inside(name, "pipeline.stages")))
def test_what_stages_share_knows_none_of_them(name):
    if name != "pipeline.stages" and not any(inside(name, room) for room in ROOMS):
        assert not {each for each in IMPORTS[name] if any(inside(each, room) for room in ROOMS)}


@pytest.mark.parametrize("folder", ["features", "models", "evaluation"])
def test_siblings_never_import_one_another_nor_the_pipeline(folder):
    forbidden = set(FOLDERS) - {folder}
    assert not {name: found for name in MODULES if inside(name, folder) if (found := PACKAGES[name] & forbidden)}


def test_a_bundle_is_read_without_what_made_it():
    reached: set[str] = set()
    waiting = [name for name in MODULES if inside(name, "pipeline.bundle")]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += IMPORTS[name] - reached
    shared = {f"features.schema.{each}" for each in READERS_OF_TYPES} | {f"{each}.errors" for each in FOLDERS}
    assert {name for name in reached if not name.startswith("pipeline.")} <= shared
    outsiders = set.union(*(PACKAGES[name] for name in reached))
    assert not outsiders & {"torch", "xgboost", "sklearn", "numba", "mlflow", "matplotlib"}


@pytest.mark.parametrize("package", sorted(DOORS))
def test_an_outsider_enters_by_its_own_door_only(package):
    places = {MODULES[name].relative_to(ROOT) for name in MODULES if package in PACKAGES[name]}
    assert places
    assert not {place for place in places if not any(place.is_relative_to(door) for door in DOORS[package])}


def test_nothing_imports_a_pickle():
    assert not set.union(*PACKAGES.values()) & {"pickle", "cloudpickle", "joblib", "dill"}


def test_the_import_reader_sees_what_it_must():
    assert imported_names("import a.b\nfrom c.d import e\ndef f():\n    import g") == {"a.b", "c.d", "c.d.e", "g"}


def test_no_two_files_share_a_name_without_need():
    stems = Counter(path.stem for path in MODULES.values() if path.stem != "__init__")
    assert {stem for stem, count in stems.items() if count > 1} == ONE_IN_EACH_FOLDER


def test_no_file_is_named_for_nothing():
    assert not {path.stem for path in MODULES.values()} & {"utils", "util", "common", "helpers", "base", "misc"}
