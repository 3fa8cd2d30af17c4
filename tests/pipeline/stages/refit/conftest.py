"""The small run refitted, once for all tests that look at it."""

from pathlib import Path

import pytest

from pipeline.stages.refit.make_refit import make_refit
from pipeline.stages.stage import StageContext
from pipeline.storage.done import write_done
from tests.fixtures.refitted import refit_context


@pytest.fixture(scope="package")
def refitted(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """A finished refit; tests read it and leave it as it is."""
    context = refit_context(small_run, tmp_path_factory.mktemp("refits") / "run")
    make_refit(context)
    write_done(context.out, fingerprint="", details={})
    return context
