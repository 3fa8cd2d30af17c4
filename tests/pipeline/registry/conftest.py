"""A folder of runs with an empty registry, copied from one that is made once."""

import shutil

import pytest

from tests.fixtures.registered import empty_store


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """The empty store itself."""
    return empty_store(tmp_path_factory.mktemp("template"))


@pytest.fixture
def runs(tmp_path, template):
    """A folder of runs of a test's own."""
    shutil.copy(template / "mlflow.db", tmp_path)
    return tmp_path
