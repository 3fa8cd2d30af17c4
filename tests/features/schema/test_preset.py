import re
import tomllib
from pathlib import Path

import pytest

from features.schema.preset import preset_from_dict

SMALLEST = {"event_time": {"column": "when"}, "amount": {"column": "amount"}, "label": {"column": "fraud"}}


def test_a_range_in_a_name_stands_for_all_its_columns_with_leading_zeros():
    preset = preset_from_dict(SMALLEST | {"numeric": [{"columns": ["V{1..3}", "id_{09..11}", "x"]}]})
    assert [name for name, _ in preset.extras()] == ["V1", "V2", "V3", "id_09", "id_10", "id_11", "x"]


@pytest.mark.parametrize(
    ("changes", "categorical", "message"),
    [
        ({"leaks": ["why"]}, ["why"], r"must not be inputs .*'why'"),
        ({"personal": ["name"]}, ["name"], r"must not be inputs .*'name'"),
        ({"entities": {"card_id": {"column": "pan"}}}, ["pan"], r"must not be inputs .*'pan'"),
        ({}, ["label"], r"given once, got twice: 'label'"),
        ({"entities": {"card": {"column": "pan"}}}, [], r"entities\.card"),
        ({"entities": {"card_id": {}}}, [], r"either column or parts"),
        ({"event_time": {"kind": "parts", "year": "y"}}, [], r"must give year, month and day"),
        ({"event_time": {"column": "t", "year": "y"}}, [], r"year, month and day are of kind 'parts'"),
        ({"event_time": {"column": "t", "timezone": "Mars/Olympus"}}, [], r"must be a time zone"),
        ({"event_time": {"kind": "elapsed", "column": "t", "unit": "fortnight"}}, [], r"event_time\.unit"),
        ({"amount": {"column": "amount", "scale": 3}}, [], r"amount\.scale"),
        ({"numeric": [{"columns": ["V{1..3}"], "aliases": ["v1"]}]}, [], r"one entry for each of the 3 columns, got 1"),
        ({"masks": [{"reason": "r", "months": ["2020-13"]}]}, [], r"masks\.0\.months\.0"),
        ({"scale": 100, "label": {"column": "fraud", "yess": ["1"]}}, [], r"2 faults in the preset"),
    ],
)
def test_a_faulty_preset_is_refused_with_every_fault(changes, categorical, message):
    with pytest.raises(ValueError, match=message):
        preset_from_dict(SMALLEST | changes, categorical=categorical)


def test_columns_that_a_preset_declares_already_may_be_named_again():
    preset = preset_from_dict(SMALLEST | {"categorical": [{"columns": ["shop"]}]}, categorical=["shop"])
    assert [name for name, _ in preset.extras()] == ["shop"]


def test_the_data_cards_own_preset_is_valid_and_every_shipped_one_has_an_entry():
    data = Path(__file__).parents[3] / "data"
    card = (data / "README.md").read_text("utf-8")
    example = re.search(r"```toml\n(.*?)```", card, re.DOTALL)
    assert example is not None
    assert "score_12" in dict(preset_from_dict(tomllib.loads(example[1])).extras())
    assert all(f"\n**{path.stem}**: " in card for path in (data / "presets").glob("*.toml"))
