"""A refit's bundle turned into its judged twin's: whole, verified, and with the twin's numbers."""

import pytest

from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import loaded_scorer
from pipeline.bundle.twin import twin_of
from pipeline.bundle.verify import verify_bundle
from pipeline.registry.twin_bundle import write_twin_bundle
from tests.fixtures.bundles import built_with_twin
from tests.oracles.python_path import small


@pytest.fixture(scope="module")
def refitted(case, tmp_path_factory):
    return checked_bundle(built_with_twin(case, small(seed=9), tmp_path_factory.mktemp("twin") / "bundle"))


@pytest.fixture(scope="module")
def turned(refitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("turned") / "bundle"
    folder.mkdir()
    write_twin_bundle(refitted, folder, reason="It was worse.", max_bytes=1 << 30, key=None)
    return checked_bundle(folder)


def test_probability_is_the_twins_and_the_refits_stays_beside_it(refitted, turned, case):
    before, after = (loaded_scorer(each).probabilities(case.table) for each in (refitted, turned))
    assert (after["probability"] == before["judged"]).all()
    assert (after["refit"] == before["probability"]).all()
    assert set(after) == {"probability", "refit"}


def test_the_turned_bundle_passes_verification(turned):
    assert verify_bundle(turned.folder).rows >= 50


def test_the_turned_bundle_gives_its_own_reasons_by_the_same_groups(refitted, turned):
    assert verify_bundle(turned.folder).explained == 8
    assert turned.read("reasons.json") == refitted.read("reasons.json")
    assert turned.read("golden_reasons.jsonl") != refitted.read("golden_reasons.jsonl")


def test_its_manifest_and_card_say_what_happened(refitted, turned):
    assert twin_of(turned.manifest) is None
    assert turned.manifest["seen_until_microseconds"] == refitted.manifest["judged"]["seen_until_microseconds"]
    assert turned.manifest["threshold"] == 0.7
    assert "It was worse." in turned.read("model_card.md").decode()
    assert turned.read("booster.ubj") == refitted.read("judged/booster.ubj")


def test_the_same_bundle_is_turned_into_the_same_bytes(refitted, turned, tmp_path):
    again = tmp_path / "bundle"
    again.mkdir()
    write_twin_bundle(refitted, again, reason="It was worse.", max_bytes=1 << 30, key=None)
    assert (again / "manifest.json").read_bytes() == (turned.folder / "manifest.json").read_bytes()


def test_a_bundle_without_a_twin_is_refused(bundle, tmp_path):
    with pytest.raises(ValueError, match="a refit with its judged twin"):
        write_twin_bundle(checked_bundle(bundle), tmp_path, reason="", max_bytes=1 << 30, key=None)
