"""What is in production is told from the ledger alone."""

import pytest

from features.times import time_microseconds
from pipeline.config import Config
from pipeline.registry.ledger import LEDGER, Promotion, append_promotions
from pipeline.registry.production_status import production_lines

NAMES = {"sha-1": "retrain-1", "sha-2": "retrain-2", "sha-3": "retrain-3"}


def line(number, before, after, action="promote", version=None, model="harbor-fraud"):
    version = version or after
    moment = time_microseconds(f"2024-05-0{number}T06:00:00Z")
    return Promotion(number, moment, action, model, version, f"sha-{version}", before, after, "nightly")


def told(folder, *lines):
    append_promotions(folder / LEDGER, lines)
    return production_lines(Config(), runs=folder, run_of=NAMES)


def test_a_champion_is_told_with_its_day_its_reason_and_its_run(tmp_path):
    assert told(tmp_path, line(1, None, "1"), line(2, "1", "2")) == [
        "version 2 of harbor-fraud since 2024-05-02T06:00Z, in place of version 1",
        "why: its gate passed, from run retrain-2 (by nightly)",
    ]


def test_what_was_refused_since_is_told_and_what_was_refused_before_is_not(tmp_path):
    lines = told(tmp_path, line(1, None, None, "refuse", "1"), line(2, None, "2"), line(3, "2", "2", "refuse", "3"))
    assert lines[2:] == ["refused: version 3 at 2024-05-03T06:00Z, run retrain-3"]


@pytest.mark.parametrize(("action", "said"), [("rollback", "rolled back to"), ("found", "moved by other hands")])
def test_a_champion_that_was_not_promoted_says_how_it_came(tmp_path, action, said):
    assert said in told(tmp_path, line(1, None, "1"), line(2, "1", "2"), line(3, "2", "1", action))[1]


def test_without_a_promotion_nothing_is_in_production(tmp_path):
    assert told(tmp_path) == ["no version of harbor-fraud is in production"]
    assert told(tmp_path, line(1, None, "1", model="another")) == ["no version of harbor-fraud is in production"]
    assert told(tmp_path, line(2, None, "1"), line(3, "1", None, "found", "1"))[0].startswith("no version")
