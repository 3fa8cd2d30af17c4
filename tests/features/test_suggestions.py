"""What somebody may have meant: near names only, and the keys of the very section that a key was written in."""

import pytest

from features.schema.preset import Preset
from features.suggestions import did_you_mean, known_keys


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("merchnt", "; did you mean 'merchant'?"),
        ("CARD", "; did you mean 'card'?"),
        ("card_id", "; did you mean 'card'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_suggested_and_a_far_one_is_not(name, hint):
    assert did_you_mean(name, ("card", "merchant")) == hint


@pytest.mark.parametrize(
    ("location", "key"),
    [
        (("amont",), "amount"),
        (("amount", "scal"), "scale"),
        (("entities", "card_id", "colum"), "column"),
        (("entities", "card_id", "parts", 0, "knd"), "kind"),
        (("numeric", 3, "missing_belo"), "missing_below"),
        (("label_available_at", "timezon"), "timezone"),
    ],
)
def test_keys_are_those_of_the_place(location, key):
    assert key in known_keys(Preset, location)
    assert did_you_mean(str(location[-1]), known_keys(Preset, location)) == f"; did you mean {key!r}?"
