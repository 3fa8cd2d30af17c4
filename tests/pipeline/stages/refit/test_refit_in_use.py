"""The refit in use, watched on labels that came after it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pipeline.stages.export.make_bundle import make_bundle
from pipeline.stages.refit.label_history import read_history
from pipeline.stages.refit.refit_in_use import refit_in_use
from tests.fixtures.bundles import edited
from tests.fixtures.refitted import refit_context, stage_context


@pytest.fixture(scope="module")
def bundle(refitted, small_run):
    (refitted.run / "export").mkdir(exist_ok=True)
    make_bundle(stage_context(small_run, refitted.run, "export"))
    return refitted.run / "export" / "bundle"


@pytest.fixture
def watched(bundle, refitted, small_run, tmp_path):
    """What is found where the refit in use has seen events up to a moment, in a run of the same data."""

    def watch(seen_until, problem=""):
        context = refit_context(small_run, tmp_path / "run")
        (context.run / "champion").mkdir()
        copied = context.run / "champion" / "bundle"
        shutil.copytree(bundle, copied)
        edited(copied, lambda manifest: manifest["refit"].update(seen_until_microseconds=seen_until))
        note = {"version": "7", "manifest": "", "problem": problem}
        (context.run / "champion" / "champion.json").write_text(json.dumps(note))
        return refit_in_use(context, read_history(context, most=2.0))

    return watch


def test_the_bundle_of_a_refit_carries_its_judged_twin(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["outputs"][-1] == "judged"
    assert manifest["judged"]["seen_until"] < manifest["refit"]["seen_until"] == manifest["seen_until"]
    assert (bundle / "judged" / "network.safetensors").is_file()


def test_later_rows_alone_are_compared(watched, refitted):
    history = read_history(refitted, most=2.0)
    since = int(np.quantile(history.event_time, 0.9))
    found = watched(since)
    assert found.champion == "7"
    assert found.difference.rows == int((history.event_time > since).sum())
    assert found.difference.days == 19
    assert found.difference.low < found.difference.value < found.difference.high


def test_a_champion_that_could_not_be_brought_is_not_watched(watched):
    assert watched(0, problem="the registry could not be asked") is None


def test_without_later_rows_there_is_nothing_to_say(watched, refitted):
    assert watched(read_history(refitted, most=2.0).now) is None


def test_a_run_without_a_champion_watches_nothing(refitted):
    assert refit_in_use(replace(refitted), read_history(refitted, most=2.0)) is None
