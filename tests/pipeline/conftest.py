"""A small bundle that many tests of the pipeline read, made once."""

from pathlib import Path

import pytest

from tests.fixtures.bundles import built
from tests.oracles.python_path import Small, small


@pytest.fixture(scope="session")
def case() -> Small:
    """Parts of a graph, and rows that no fit has seen."""
    return small()


@pytest.fixture(scope="session")
def bundle(case: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `case`; tests read it and leave it as it is."""
    return built(case, tmp_path_factory.mktemp("export") / "bundle")
