"""The lowest version that pyproject allows is the one that the tests run with."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split() if "==" in line)
TESTED = sorted({*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["postgres"]})


@pytest.mark.parametrize("requirement", TESTED)
def test_the_lowest_version_allowed_is_the_one_that_is_pinned(requirement):
    name, bound = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z]+\])?[>=]=([0-9.]+)", requirement).groups()
    assert bound == PINS[name]


@pytest.mark.parametrize("requirement", TESTED)
def test_what_is_installed_here_is_what_is_pinned(requirement):
    name = re.match(r"[a-z0-9-]+", requirement)[0]
    assert metadata.version(name).partition("+")[0] == PINS[name]


def test_every_pin_is_exact_and_stands_once():
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert len(PINS) == len(lines)
