"""What is in production changes hands once at a time, and only to what passed."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from pipeline.registry.ledger import read_ledger, tenures
from pipeline.registry.promotion import promote_run, roll_back_refit, rollback_champion
from pipeline.storage.locks import LockedError
from tests.fixtures.bundles import built_with_twin
from tests.fixtures.registered import DEFAULTS, aliases, bundle_run, marked, settings_of, versions
from tests.oracles.python_path import small

pytestmark = pytest.mark.filterwarnings("ignore")


def test_promoting_a_bundle_again_makes_no_second_version_and_no_second_line(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a")
    promote_run(run, DEFAULTS)
    again = promote_run(run, DEFAULTS)
    assert (again.champion, again.remark) == ("1", "it was champion already")
    assert len(versions(runs)) == len(read_ledger(runs / "promotions.jsonl")) == 1


def test_a_refused_bundle_is_registered_as_challenger_and_changes_nothing_in_production(small_run, runs):
    promote_run(bundle_run(small_run, runs / "a", note="a"), DEFAULTS)
    refused = bundle_run(small_run, runs / "b", note="b", passed=False)
    for _ in range(2):
        outcome = promote_run(refused, DEFAULTS)
        assert (outcome.version, outcome.champion) == ("2", "1")
    assert aliases(runs) == {"champion": "1", "challenger": "2"}
    assert [line.action for line in read_ledger(runs / "promotions.jsonl")] == ["promote", "refuse"]


def test_the_old_champion_stays_previous_and_a_rollback_brings_it_back_once(small_run, runs):
    for name in "ab":
        promote_run(bundle_run(small_run, runs / name, note=name), DEFAULTS)
    assert aliases(runs) == {"champion": "2", "previous": "1", "challenger": "2"}
    outcome = rollback_champion(DEFAULTS, runs=runs)
    assert (outcome.version, outcome.before) == ("1", "2")
    assert aliases(runs) == {"champion": "1", "challenger": "2"}
    with pytest.raises(ValueError, match="must have a previous version to go back to"):
        rollback_champion(DEFAULTS, runs=runs)
    lines = read_ledger(runs / "promotions.jsonl")
    assert [(line.action, line.before, line.after) for line in lines] == [
        ("promote", None, "1"),
        ("promote", "1", "2"),
        ("rollback", "2", "1"),
    ]
    assert [each.version for each in tenures(lines)] == ["1", "2", "1"]


def test_a_promotion_that_was_overtaken_loses_and_changes_nothing(small_run, runs):
    began = time.time_ns() // 1000
    promote_run(bundle_run(small_run, runs / "a", note="a"), DEFAULTS)
    with pytest.raises(LockedError, match="made version 1 champion while this one was promoting version 2"):
        promote_run(bundle_run(small_run, runs / "b", note="b"), DEFAULTS, began=began)
    assert aliases(runs)["champion"] == "1"


def test_of_two_promotions_at_once_exactly_one_wins(small_run, runs):
    folders = [bundle_run(small_run, runs / name, note=name) for name in "ab"]
    together = Barrier(2)

    def attempt(run):
        began = time.time_ns() // 1000
        together.wait()
        try:
            return promote_run(run, DEFAULTS, began=began)
        except LockedError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, folders))
    assert sorted(isinstance(each, LockedError) for each in outcomes) == [False, True]
    assert len(tenures(read_ledger(runs / "promotions.jsonl"))) == 1


def test_only_a_finished_and_whole_bundle_can_be_promoted(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a")
    (run / "export" / "bundle" / "booster.ubj").write_bytes(b"another")
    with pytest.raises(ValueError, match=r"booster\.ubj"):
        promote_run(run, DEFAULTS)
    (run / "export" / "DONE").unlink()
    with pytest.raises(ValueError, match="must hold a finished export"):
        promote_run(run, DEFAULTS)
    with pytest.raises(ValueError, match=r"tracking\.enabled must be true"):
        promote_run(bundle_run(small_run, runs / "b", note="b"), settings_of("tracking.enabled=false"))
    assert versions(runs) == []


@pytest.fixture(scope="module")
def twinned(case, tmp_path_factory):
    """A bundle of a refit with its judged twin."""
    return built_with_twin(case, small(seed=9), tmp_path_factory.mktemp("twin") / "bundle")


def refit_run(twinned, run):
    shutil.copytree(twinned, run / "export" / "bundle")
    marked(run, note="refit")
    shutil.copytree(run / "export" / "bundle", run / "champion" / "bundle")
    return run


def test_a_refit_that_is_rolled_back_gives_way_to_its_judged_twin(twinned, runs):
    run = refit_run(twinned, runs / "a")
    promote_run(run, DEFAULTS)
    outcome = roll_back_refit(run, DEFAULTS, champion="1", reason="It was worse.")
    assert (outcome.version, outcome.before) == ("2", "1")
    assert aliases(runs)["champion"] == "2"
    lines = read_ledger(runs / "promotions.jsonl")
    assert [(line.action, line.before, line.after) for line in lines] == [
        ("promote", None, "1"),
        ("rollback", "1", "2"),
    ]


def test_a_refit_that_is_champion_no_more_is_not_rolled_back(twinned, runs, small_run):
    run = refit_run(twinned, runs / "a")
    promote_run(run, DEFAULTS)
    promote_run(bundle_run(small_run, runs / "b", note="b"), DEFAULTS)
    assert roll_back_refit(run, DEFAULTS, champion="1", reason="It was worse.") is None
    assert aliases(runs)["champion"] == "2"
