"""What many tests of the pipeline share: stores on loopback, a command line in an empty folder, one small bundle."""

import re
import sys
from pathlib import Path

import pytest

from features.simulate.simulated import simulate_transactions
from pipeline import cli
from pipeline.storage.download_cache import CACHE
from pipeline.storage.object_store import opened
from tests.fixtures.bundles import built, built_with_reasons
from tests.fixtures.stores import ENVIRONMENT, s3_server, serving
from tests.oracles.python_path import Small, small


@pytest.fixture(scope="session")
def s3_address():
    with s3_server() as address:
        yield address


@pytest.fixture
def store(s3_address, monkeypatch, tmp_path, request):
    """A folder of an S3 bucket for one test."""
    for name, value in {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": s3_address,
        CACHE: str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    return opened(f"s3://harbor/{re.sub('[^a-z0-9_]+', '-', request.node.name)}")


@pytest.fixture
def harbor(monkeypatch, capsys, tmp_path):
    """Runs a command line in an empty folder; gives its exit code and all it said."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HARBOR_TRACKING__ENABLED", "false")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harbor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code), captured.out + captured.err

    return call


@pytest.fixture
def google(monkeypatch, tmp_path):
    """A folder of a bucket in an emulator of Google's store."""
    command = (sys.executable, "-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", "--port={port}")
    with serving(*command, "--in-memory", "--default-bucket=harbor") as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
        yield opened("gs://harbor/night-shift")


@pytest.fixture(scope="session")
def transactions():
    """Two thousand simulated transactions; tests take slices of them."""
    return simulate_transactions(2000, seed=3).transactions


@pytest.fixture(scope="session")
def case() -> Small:
    """Parts of a graph, and rows that no fit has seen."""
    return small()


@pytest.fixture(scope="session")
def bundle(case: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `case`; tests read it and leave it as it is."""
    return built(case, tmp_path_factory.mktemp("export") / "bundle")


@pytest.fixture(scope="session")
def reasoned(case: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `case` with reasons; tests read it and leave it as it is."""
    return built_with_reasons(case, tmp_path_factory.mktemp("reasons") / "bundle")
