"""Modules of the user's add aggregates; what is wrong with one is told in one line, and nothing of it stays."""

import sys

import pytest

from features.windows.aggregates import AGGREGATES
from features.windows.plugins import load_plugins, plugin_of, plugin_sources
from tests.fixtures.withdrawn_plugins import plugins_withdrawn

SPREAD = """
from features.windows.aggregates import AGGREGATES, Aggregate

AGGREGATES["spread_of_{name}"] = Aggregate(
    lambda chunk, window: chunk.extremes(window, largest=True) - chunk.extremes(window, largest=False), "of {{rows}}"
)
"""


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Modules, paths and aggregates as they were, after each test."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with plugins_withdrawn():
        yield


def written(folder, name, text=None):
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SPREAD.format(name=name.replace(".", "_")) if text is None else text)
    return path


def test_a_module_beside_the_configuration_adds_its_aggregate_and_is_known_as_its_home(tmp_path):
    written(tmp_path, "own_spread")
    load_plugins(["own_spread"], [tmp_path / "none", tmp_path])
    assert plugin_of(AGGREGATES["spread_of_own_spread"].values) == "own_spread"
    assert plugin_of(AGGREGATES["count"].values) is None


def test_the_first_folder_counts_and_a_second_module_of_the_name_is_refused(tmp_path):
    first = written(tmp_path / "a", "twice_there")
    written(tmp_path / "b", "twice_there", "raise ValueError('the wrong one')")
    load_plugins(["twice_there"], [tmp_path / "a", tmp_path / "b"])
    load_plugins(["twice_there"], [tmp_path / "a"])
    assert plugin_sources("twice_there") == {"twice_there": first}
    with pytest.raises(ValueError, match="'twice_there' must be one module"):
        load_plugins(["twice_there"], [tmp_path / "b"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", r"'broken' must import, but it raises ZeroDivisionError: division by zero \(broken\.py:1\)"),
        ("import nothing_like_it", r"raises ModuleNotFoundError: No module named 'nothing_like_it' \(broken\.py:1\)"),
        ("def f(:", r"raises SyntaxError"),
        (f"{SPREAD.format(name='x')}\nAGGREGATES['count'] = AGGREGATES['spread_of_x']", r"changes 'count'"),
        (f"{SPREAD.format(name='x')}\ndel AGGREGATES['amount_max']", r"changes 'amount_max'"),
    ],
)
def test_a_module_that_cannot_be_used_leaves_nothing_behind(tmp_path, text, said):
    written(tmp_path, "broken", text)
    before = dict(AGGREGATES)
    with pytest.raises(ValueError, match=said):
        load_plugins(["broken"], [tmp_path])
    assert before == AGGREGATES
    assert "broken" not in sys.modules


def test_a_module_that_is_nowhere_is_told_with_the_places(tmp_path):
    with pytest.raises(ValueError, match=f"no module 'not_there' in {tmp_path}, and none is installed"):
        load_plugins(["not_there"], [tmp_path])
    with pytest.raises(ValueError, match=r"names of modules .*'mymodule', got 'own.py'; did you mean 'own'"):
        load_plugins(["own.py"], [tmp_path])


def test_what_a_plugin_imports_from_beside_it_is_part_of_it(tmp_path):
    parts = {
        "bank_own": written(tmp_path, "bank_own", "import numpy\nimport bank_numbers\nfrom bank_more import inner"),
        "bank_numbers": written(tmp_path, "bank_numbers", "HALF = 0.5"),
        "bank_more.inner": written(tmp_path, "bank_more.inner", "from . import deep"),
        "bank_more": written(tmp_path, "bank_more.__init__", ""),
        "bank_more.deep": written(tmp_path, "bank_more.deep", ""),
    }
    written(tmp_path, "bank_other", "")
    load_plugins(["bank_own"], [tmp_path])
    assert plugin_sources("bank_own") == parts


def test_a_plugin_does_not_come_before_the_libraries_that_others_import(tmp_path):
    written(tmp_path, "own_late")
    before = list(sys.path)
    load_plugins(["own_late"], [tmp_path])
    assert sys.path == [*before, str(tmp_path)]


def test_a_plugin_that_is_not_loaded_has_no_sources():
    with pytest.raises(ValueError, match="must be loaded from a file"):
        plugin_sources("never_loaded")
