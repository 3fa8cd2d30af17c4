"""A reader is told what the verdict rests on, what ships, and what of that was measured."""

import numpy as np
import pytest

from evaluation.gate import Check
from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.freshness_section import (
    BlockRows,
    JudgedAge,
    ModelAge,
    RefitAccount,
    freshness_section,
    prequential_section,
)
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY

NOW = 100 * DAY
JUDGED = JudgedAge(ModelAge(51 * DAY, 72 * DAY), {"from": "1970-03-21", "to": "1970-04-03"}, NOW)
FAST = EvaluationConfig(resamples=100, slice_resamples=100)


def prequential(rng):
    day = rng.integers(72, 100, 3000)
    p = rng.uniform(0.01, 0.4, day.size)
    rows = JudgedRows((rng.random(day.size) < p).astype(float), day * DAY, np.ones(day.size))
    found = BlockRows(rows, p, day // 7 * 7 * DAY)
    drawn = headline_replicates(rows, {"hybrid": p}, config=FAST, rng=rng)
    return prequential_section(found, drawn, shipped="hybrid", config=FAST, seed=1)


def account():
    maps = {"frauds": 600, "from": "1970-03-14", "to": "1970-04-10", "most": 2.0}
    details = {"maps": maps, "notes": [], "blocks": []}
    return RefitAccount(ModelAge(NOW, NOW), None, prequential(np.random.default_rng(1)), details)


def test_a_refit_that_no_guard_refuses_ships_and_its_age_is_told():
    found = freshness_section(JUDGED, [Check("level", "open", "near enough")], account())
    assert (found["ships"], found["reasons"]) == ("refit", [])
    assert (found["judged"]["age_days"], found["refit"]["age_days"]) == (49, 0)
    text = " ".join(found["lines"])
    assert "0 days old at shipping (the judged one 49)" in text
    assert "600 frauds of 1970-03-14 to 1970-04-10, each row standing for at most 2 of its class" in text


def test_one_refusal_lets_the_judged_model_ship_with_the_reason():
    found = freshness_section(JUDGED, [Check("level", "refused", "the level is off")], account())
    assert (found["ships"], found["reasons"]) == ("judged", ["the level is off"])
    assert "It was not replaced by a refit: the level is off." in " ".join(found["lines"])


def test_without_a_refit_nothing_is_claimed():
    found = freshness_section(JUDGED, [Check("fit", "absent", "refit.enabled is false")], None)
    assert (found["ships"], found["refit"], found["prequential"]) == ("judged", None, None)


def test_every_block_has_its_level_and_slope_and_they_make_up_the_whole():
    found = prequential(np.random.default_rng(2))
    assert sum(block["rows"] for block in found["blocks"]) == found["population"]["rows"] == 3000
    assert all({"observed_expected", "calibration_slope"} <= block.keys() for block in found["blocks"])
    assert found["metrics"]["observed_expected"]["value"] == pytest.approx(1, abs=0.1)
