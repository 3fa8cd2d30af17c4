from dataclasses import fields

import pytest

from features.simulate.episodes import DAY_SECONDS, EVERYDAY, GIFT_SEASONS, KINDS, SCHEMES, SHIFT_DAY, SHIFTED
from features.simulate.simulated import DAYS

SHARES = ("near", "far", "online", "tiny", "banded", "magstripe", "restless", "seasonal")


@pytest.mark.parametrize("scheme", [*SCHEMES, *SHIFTED.values()], ids=lambda scheme: scheme.name)
def test_the_traits_of_a_scheme_are_shares_and_its_sizes_positive(scheme):
    assert all(0 <= getattr(scheme, name) <= 1 for name in SHARES)
    assert scheme.near + scheme.far <= 1
    assert scheme.size >= 1
    assert scheme.gap > 0
    assert 0 <= scheme.band[0] <= scheme.band[1]
    assert {field.name for field in fields(scheme)} >= set(SHARES)


def test_a_kind_is_the_place_of_its_scheme():
    assert KINDS[EVERYDAY] == "everyday"
    assert [KINDS[code] for code, _ in enumerate(SCHEMES, start=1)] == [scheme.name for scheme in SCHEMES]
    assert len(set(KINDS)) == len(KINDS)


def test_a_scheme_that_shifts_keeps_its_name_and_how_often_it_comes():
    before = {scheme.name: scheme for scheme in SCHEMES}
    for name, scheme in SHIFTED.items():
        assert (scheme.name, scheme.fraud, scheme.per_thousand) == (name, True, before[name].per_thousand)
        assert scheme != before[name]
    assert 0 < SHIFT_DAY < DAYS


def test_gift_seasons_lie_in_the_simulated_time_one_after_the_other():
    edges = [day for season in GIFT_SEASONS for day in season]
    assert edges == sorted(set(edges))
    assert 0 <= edges[0] < edges[-1] <= DAYS
    assert DAY_SECONDS == 24 * 60 * 60
