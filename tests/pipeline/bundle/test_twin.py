"""What a manifest says of a judged twin."""

import pytest

from pipeline.bundle.twin import TWIN, compared_output, twin_of

SEEN = {"seen_until": "2024-05-01", "seen_until_microseconds": 7}
REFITTED = {
    "outputs": ["probability", "hybrid", TWIN],
    "seen_until_microseconds": 9,
    "judged": {"output": TWIN, **SEEN},
    "refit": SEEN | {"seen_until_microseconds": 9},
}


def test_a_refit_is_compared_by_its_judged_twin():
    assert compared_output(REFITTED) == (TWIN, 7)
    twin = twin_of(REFITTED)
    assert (twin.judged_seen_until, twin.shipped_seen_until) == (7, 9)


@pytest.mark.parametrize("change", [{"refit": None}, {"judged": None}, {"outputs": ["probability"]}, {"refit": {}}])
def test_what_is_no_refit_is_compared_by_its_probability(change):
    assert twin_of(REFITTED | change) is None
    assert compared_output(REFITTED | change) == ("probability", 9)


def test_an_older_manifest_has_no_twin():
    assert compared_output({"seen_until_microseconds": 3}) == ("probability", 3)
