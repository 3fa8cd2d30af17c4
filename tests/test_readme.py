"""What the README tells a reader to type works."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from pipeline.cli import app
from pipeline.config import parse_config

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"(?<![\w/])harbor (?:run|[a-z]+ --)[^`\n|&>']*", TEXT)))
VERBS = typer.main.get_command(app).commands


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_verb_and_its_options(command):
    _, verb, *words = shlex.split(command.replace('"$(date', "DATE").replace('%F)"', ""), posix=False)
    known = {option for parameter in VERBS[verb].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_commands_were_found():
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("block", blocks("toml"))
def test_every_toml_block_is_a_configuration(block):
    parse_config(tomllib.loads(block), origin="README.md")


def test_the_first_lines_are_the_two_commands():
    assert [line.split("#")[0].strip() for line in TEXT.splitlines()[1:3]] == ["make run", "make test"]


@pytest.mark.parametrize("picture", re.findall(r"!\[[^]]*\]\(([^)]*)\)", TEXT))
def test_every_picture_is_there(picture):
    assert (ROOT / picture).is_file()


@pytest.mark.parametrize("link", re.findall(r"(?<!!)\[[^]]*\]\((?!http)([^)#]*)\)", TEXT))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_block_compiles_and_its_imports_resolve(block):
    code = compile(block, "README.md", "exec")
    imports = "\n".join(line for line in block.splitlines() if line.startswith(("import ", "from ")))
    exec(imports, {})
    assert code is not None
