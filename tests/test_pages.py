"""What the pages tell a reader to type works, and where they point something is."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from pipeline.cli import app
from pipeline.config import parse_config
from tests.fixtures.withdrawn_plugins import plugins_withdrawn

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "data/README.md",
    "data/presets/README.md",
    "evaluation/README.md",
    "features/README.md",
    "models/README.md",
    "pipeline/README.md",
    "pipeline/configs/README.md",
    "pipeline/serve/README.md",
    ".github/CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / ".github" / "decisions").glob("*.md")),
)
TEXT = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
VERBS = typer.main.get_command(app).commands
PRESETS = "data/README.md"  # its TOML is a preset, which tests/features/schema/test_preset.py reads
SOURCES = [
    path for folder in ("pipeline", "features", "models", "evaluation") for path in (ROOT / folder).rglob("*.py")
]


def found(pattern, *, flags=0, pages=PAGES):
    return [(page, match) for page in pages for match in dict.fromkeys(re.findall(pattern, TEXT[page], flags=flags))]


def blocks(language):
    return [pytest.param(page, block, id=page) for page, block in found(rf"```{language}\n(.*?)```", flags=re.DOTALL)]


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


COMMANDS = found(r"(?<![\w/])harbor (?:run|[a-z]+ --)[^`\n|&>']*")
PICTURES = found(r"!\[[^]]*\]\(([^)]*)\)")
LINKS = found(r"(?<!!)\[[^]]*\]\((?!http)([^)]*)\)")


def test_every_page_of_the_tree_is_looked_at():
    pages = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("[a-z]*/**/README.md")}
    assert pages <= set(PAGES)


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_has_its_verb_and_its_options(page, command):
    _, verb, *words = shlex.split(command, posix=False)
    known = {option for parameter in VERBS[verb].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_verb_is_told_in_the_table_of_commands():
    table = TEXT["pipeline/README.md"].partition("## Commands")[2].partition("**Time.**")[0]
    assert VERBS.keys() <= set(re.findall(r"`(?:harbor )?([a-z]+)", table))


def test_the_commands_were_found():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("page", "block"), [each for each in blocks("toml") if each.values[0] != PRESETS])
def test_every_toml_block_is_a_configuration(page, block, tmp_path):
    for name, module in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT[page], flags=re.DOTALL):
        (tmp_path / name).write_text(module, encoding="utf-8")
    with plugins_withdrawn():
        parse_config(tomllib.loads(block), origin=page, beside=[tmp_path])


def test_the_first_lines_are_the_title_and_the_two_commands():
    lines = [line for line in TEXT["README.md"].splitlines() if line]
    assert lines[:2] == ["# Harbor", "```sh"]
    assert [line.split("#")[0].strip() for line in lines[2:4]] == ["make run", "make test"]


@pytest.mark.parametrize(("page", "picture"), PICTURES)
def test_every_picture_is_there(page, picture):
    assert (ROOT / page).parent.joinpath(picture).is_file()


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_every_link_leads_somewhere(page, link):
    target, _, anchor = link.partition("#")
    place = (ROOT / page).parent.joinpath(target) if target else ROOT / page
    assert place.exists()
    assert not anchor or anchor in anchors(place.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("page", "block"), blocks("python"))
def test_every_python_block_compiles_and_its_imports_resolve(page, block):
    tree = ast.parse(block, page)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, type_ignores=[]), page, "exec"), {})


def test_every_package_stands_in_the_map_of_the_house():
    table = TEXT["README.md"].partition("## Map of the house")[2]
    rooms = {room.rpartition("/")[2] for room in re.findall(r"[`*]([\w/]+)/[`*]", table)}
    packages = {path.parent.relative_to(ROOT) for path in SOURCES if path.name == "__init__.py"}
    assert not {package.as_posix() for package in packages if package.name not in rooms}


def test_every_file_in_the_map_of_the_house_is_there():
    table = TEXT["README.md"].partition("## Map of the house")[2].partition("## More")[0]
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in SOURCES}
    there = {f"/{path.relative_to(ROOT).as_posix()}" for path in SOURCES} | {f"/{room}/" for room in rooms}
    named = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    others = {
        f"{name}/"
        for name in (
            "configs",
            "presets",
            "render/templates",
            "fixtures",
            "oracles",
            "tests/oracles",
            "golden",
            "benches",
        )
    }
    assert len(named) > 60
    assert [name for name in named if name not in others and not any(each.endswith(f"/{name}") for each in there)] == []


def test_every_variable_that_the_code_reads_stands_in_the_table():
    table = TEXT["pipeline/README.md"].partition("## Environment")[2]
    sources = [*SOURCES, *(ROOT / "tests" / "benches").glob("*.py"), ROOT / "Dockerfile"]
    read = {name for path in sources for name in re.findall(r"\bHARBOR_[A-Z]+(?:_[A-Z]+)*\b", path.read_text("utf-8"))}
    assert len(read) > 10
    assert not {name for name in read if f"`{name}`" not in table}


@pytest.mark.parametrize("record", [page for page in PAGES if "/decisions/" in page])
def test_a_decision_has_all_its_parts_and_is_confirmed_by_tests_that_exist(record):
    parts = ["Context", "Options", "Decision", "Consequence", "Confirmed by"]
    assert re.findall(r"^\*\*(\w[\w ]*?)\.?\*\*", TEXT[record], flags=re.MULTILINE) == parts
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    names = re.findall(r"`(test_\w+)`", TEXT[record])
    assert names
    assert not [name for name in names if f"def {name}(" not in tests]


def test_every_file_of_a_run_is_told(small_run):
    files = {path.name for path in small_run.rglob("*") if path.suffix not in (".png", ".lock") and path.is_file()}
    assert not {name for name in files - {".lock"} if name not in TEXT["pipeline/README.md"]}
