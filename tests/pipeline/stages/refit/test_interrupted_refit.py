"""A refit that is killed anywhere ends as if nothing had happened; what it had fitted is found again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from pipeline.stages.refit.block_store import FOLDER
from pipeline.storage.done import folder_checksums
from tests.fixtures.refitted import WIDE

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def started(run):
    assignments = [part for each in (*WIDE, "tracking.enabled=false") for part in ("--set", each)]
    line = [sys.executable, "-m", "pipeline.cli", "refit", "--run", str(run), *assignments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(line, env={**os.environ}, **quiet)


def test_a_refit_killed_at_ten_moments_ends_like_an_undisturbed_one(small_run, tmp_path):
    calm, killed = (shutil.copytree(small_run, tmp_path / name / "night") for name in ("a", "b"))
    begun = time.monotonic()
    assert started(calm).wait() == 0
    length = time.monotonic() - begun
    moments = random.Random(3)
    for _ in range(10):
        process = started(killed)
        time.sleep(moments.uniform(0.1, length))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert started(killed).wait() == 0
    assert folder_checksums(killed / "refit") == folder_checksums(calm / "refit")
    assert not list(killed.glob(".p*"))
    blocks = [sorted(path.parent.name for path in (each.parent / FOLDER).glob("*/DONE")) for each in (calm, killed)]
    assert blocks[0] == blocks[1]
