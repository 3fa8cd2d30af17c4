"""Which zone somebody means, and which answers mean none or more than one."""

import pytest

from pipeline.inspection.zone_answer import zone_answer
from pipeline.storage.errors import InputError


@pytest.mark.parametrize(
    ("answer", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        (" new york ", "America/New_York"),
        ("utc", "UTC"),
        ("Etc/GMT-1", "Etc/GMT-1"),
    ],
)
def test_a_name_in_any_case_and_a_city_of_one_zone_are_taken(answer, zone):
    assert zone_answer(answer) == zone


def test_a_city_of_two_zones_is_refused_with_both():
    with pytest.raises(InputError, match="which may be Asia/Istanbul, Europe/Istanbul"):
        zone_answer("Istanbul")


@pytest.mark.parametrize("answer", ["+01:00", "GMT+5", "Atlantis", "", "Europe", "../UTC", "a\0b"])
def test_what_names_no_zone_is_refused_in_one_line(answer):
    with pytest.raises(InputError, match="must be the name of a time zone such as 'UTC'") as refused:
        zone_answer(answer)
    assert "\n" not in str(refused.value)
