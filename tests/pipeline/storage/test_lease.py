"""Of jobs that share nothing but a store, one at a time holds a thing."""

import os
import threading
import time

import pytest

from pipeline.storage import lease
from pipeline.storage.lease import claimed
from pipeline.storage.locks import LockedError
from pipeline.storage.object_store import opened


def test_of_jobs_that_claim_one_thing_at_once_never_two_hold_it(tmp_path):
    folder, holding, most = opened(f"file://{tmp_path}/claims"), [], []
    (tmp_path / "claims").mkdir()

    def job(name):
        for _ in range(4):
            try:
                with claimed(folder, name, what="it"):
                    holding.append(name)
                    most.append(len(holding))
                    time.sleep(0.005)
                    holding.remove(name)
            except LockedError:
                time.sleep(0.005)

    threads = [threading.Thread(target=job, args=(f"job-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}


def test_a_claim_that_lapsed_and_was_taken_over_stops_its_first_holder(tmp_path, monkeypatch):
    (tmp_path / "claims").mkdir()
    folder = opened(f"file://{tmp_path}/claims")
    monkeypatch.setattr(lease, "LEASE", 0.05)
    with claimed(folder, "slow", what="it") as slow:
        time.sleep(0.1)
        with claimed(folder, "quick", what="it"), pytest.raises(LockedError, match="lapsed, and another job"):
            slow.check()


@pytest.fixture
def claims(tmp_path):
    (tmp_path / "claims").mkdir()
    return opened(f"file://{tmp_path}/claims")


def test_a_claim_is_gone_when_its_job_is_done_or_failed(claims):
    def fail():
        with claimed(claims, "job", what="it"):
            assert list(claims.files()) == ["job"]
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert claims.files() == {}


def test_a_refusal_says_who_holds_the_thing_and_for_how_long(claims):
    with (
        claimed(claims, "first", what="it"),
        pytest.raises(LockedError, match=rf"working on the run: process {os.getpid()} on .+ lapses within 120 seconds"),
        claimed(claims, "second", what="the run"),
    ):
        pass
    assert claims.files() == {}


@pytest.mark.parametrize("content", [b"{", b"[]"])
def test_a_claim_that_cannot_be_read_is_held(claims, content):
    claims.child("torn").put(content)
    with (
        pytest.raises(LockedError, match="another job is working on it"),
        claimed(claims, "job", what="it"),
    ):
        pass


def test_a_job_that_was_killed_finds_its_own_claim_and_goes_on(claims):
    claims.child("job").put(b'{"state": "held"}')
    with claimed(claims, "job", what="it") as claim:
        claim.check()


def test_a_claim_is_renewed_while_its_job_lives(claims, monkeypatch):
    monkeypatch.setattr(lease, "RENEWAL", 0.05)
    with claimed(claims, "job", what="it"):
        before = claims.child("job").listed().modified
        time.sleep(0.3)
        assert claims.child("job").listed().modified > before


def test_a_claim_that_somebody_removed_is_not_made_again(claims, monkeypatch):
    monkeypatch.setattr(lease, "RENEWAL", 0.05)
    with claimed(claims, "job", what="it") as claim:
        claims.child("job").remove()
        time.sleep(0.3)
        assert claims.files() == {}
        with pytest.raises(LockedError, match="lapsed, and another job may have taken over"):
            claim.check()
