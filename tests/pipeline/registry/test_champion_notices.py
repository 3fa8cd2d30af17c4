"""Whoever must hear of a new champion does, once, whatever became of the job."""

import json
import sys

import pytest

from pipeline.registry.champion_notices import champion_changes_told
from pipeline.registry.ledger import LEDGER, Promotion, append_promotions
from tests.fixtures.receivers import receiver
from tests.fixtures.registered import settings_of


def line(sequence, action, before, after):
    return Promotion(sequence, sequence, action, "harbor-fraud", f"{sequence}", "m", before, after, "ann")


def told(tmp_path, lines, **ways):
    config, warned = settings_of(*(f"notify.{key}={json.dumps(value)}" for key, value in ways.items())), []
    append_promotions(tmp_path / LEDGER, [line(1, "promote", None, "1")])
    with champion_changes_told(config, runs=tmp_path, warn=warned.append):
        append_promotions(tmp_path / LEDGER, lines)
    return warned


def test_each_change_that_the_ledger_gains_is_told_and_nothing_else(tmp_path):
    with receiver([200]) as got:
        assert told(tmp_path, [line(2, "refuse", "1", "1"), line(3, "promote", "1", "3")], webhook=got.url) == []
    (body,) = [json.loads(body) for _, body in got.got]
    assert (body["event"], body["champion"], body["before"], body["actor"]) == ("champion_changed", "3", "1", "ann")


def test_the_command_hook_hears_of_it_too(tmp_path):
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    place = tmp_path / "heard"
    assert told(tmp_path, [line(2, "rollback", "1", "2")], command=[sys.executable, "-S", "-c", code, str(place)]) == []
    assert json.loads(place.read_text())["action"] == "rollback"


def test_a_job_that_fails_after_the_change_still_tells_it(tmp_path):
    def failing(url):
        with champion_changes_told(settings_of(f"notify.webhook={url}"), runs=tmp_path, warn=print):
            append_promotions(tmp_path / LEDGER, [line(1, "promote", None, "1")])
            raise OSError("late")

    with receiver([200]) as got, pytest.raises(OSError, match="late"):
        failing(got.url)
    assert len(got.got) == 1


def test_a_way_that_is_closed_costs_a_warning_and_no_promotion(tmp_path):
    (warning,) = told(tmp_path, [line(2, "promote", "1", "2")], command=["/nowhere/at-all"])
    assert "champion_changed did not reach the command /nowhere/at-all" in warning
