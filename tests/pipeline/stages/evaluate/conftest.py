"""The small run's test fold, scored once for all tests that look at it."""

from pathlib import Path

import pytest

from pipeline.stages.evaluate.judged_test import JudgedTest, judged_test
from pipeline.stages.stage import StageContext
from tests.fixtures.evaluated import evaluate_context


@pytest.fixture(scope="package")
def context(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """What evaluate works with."""
    return evaluate_context(small_run, tmp_path_factory.mktemp("evaluate"))


@pytest.fixture(scope="package")
def judged(context: StageContext) -> JudgedTest:
    """The test fold of the small run."""
    return judged_test(context)
