"""Crashes of a serving process, in processes of their own: `tests/fixtures/crashes.py` says what is a fault."""

import json
import subprocess
import sys

import pytest


def crashed(folder, *cases):
    command = (sys.executable, "-W", "error", "-m", "tests.fixtures.crashes", str(folder / "crashes"), *cases)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout)


def test_nothing_that_was_told_is_lost_in_a_sample_of_crashes(tmp_path):
    found = crashed(tmp_path, "killed:9:43", "torn:20:211", "full:300:3500", "readonly:9:1")
    assert found["faults"] == []
    assert found["counts"]["killed"] >= 6
    assert found["counts"]["full"] >= 2


@pytest.mark.slow
@pytest.mark.parametrize("case", ["killed:1:1", "torn:0:1", "full:50:97"])
def test_nothing_that_was_told_is_lost_in_any_crash(tmp_path, case):
    found = crashed(tmp_path, case)
    print(found["counts"])
    assert found["faults"] == []
    assert found["counts"][case.partition(":")[0]] > 50
