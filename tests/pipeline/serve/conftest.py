"""A service on the small run."""

import pytest

from tests.fixtures.live_service import live_service, next_rows


@pytest.fixture(scope="session")
def rows(small_run):
    """Forty transactions that come behind the run's last one."""
    return next_rows(small_run, 40)


@pytest.fixture
def opened(small_run, tmp_path):
    """What is served, with nothing in its log but which bundle answers."""
    with live_service(small_run, tmp_path / "served") as found:
        yield found


@pytest.fixture
def app(opened):
    """The application of `opened`."""
    return opened.app
