import pytest

from features.schema.column_plan import column_plan, time_roles
from features.schema.preset import preset_from_dict

SMALLEST = {"event_time": {"column": "when"}, "amount": {"column": "amount"}, "label": {"column": "fraud"}}


def test_three_columns_make_a_preset():
    plan = column_plan(preset_from_dict(SMALLEST), ["when", "amount", "fraud", "other"])
    assert plan.needed == ("when", "amount", "fraud")
    assert (plan.missing, plan.absent, plan.ignored) == ((), (), ("other",))


def test_the_first_spelling_that_a_file_holds_is_taken():
    preset = preset_from_dict(SMALLEST | {"amount": {"column": ["Amount", "amt", "amount"]}})
    assert column_plan(preset, ["when", "fraud", "amount", "amt"]).columns["amount"] == "amt"


def test_only_time_amount_and_label_and_what_the_user_names_must_be_there():
    keys = SMALLEST | {"entities": {"card_id": {"column": "card"}}, "numeric": [{"columns": ["x"]}]}
    plan = column_plan(preset_from_dict(keys, categorical=["shop"]), [])
    assert plan.missing == ("when", "amount", "fraud", "shop")
    assert plan.absent == ("card", "x")


@pytest.mark.parametrize("name", ["Card", "CARD", " card", "c_ard", "card-", "\ufeffcard"])
def test_a_column_that_differs_in_case_blanks_and_signs_alone_is_told(name):
    preset = preset_from_dict(SMALLEST | {"entities": {"card_id": {"column": ["pan", "card"]}}})
    assert column_plan(preset, [*SMALLEST, name]).respelled == {"card": name}
    assert column_plan(preset, [*SMALLEST, "pan", name]).respelled == {}
    assert column_plan(preset, [*SMALLEST, "cards"]).respelled == {}


def test_leaks_and_personal_columns_are_dropped_not_ignored():
    plan = column_plan(preset_from_dict(SMALLEST | {"leaks": ["why"], "personal": ["name"]}), ["why", "name", "z"])
    assert (plan.leaks, plan.personal, plan.ignored) == (("why",), ("name",), ("z",))


def test_a_column_that_fills_two_roles_is_read_once():
    keys = {"entities": {"card_id": {"parts": [{"column": "a"}, {"column": "fraud"}]}}}
    plan = column_plan(preset_from_dict(SMALLEST | keys), ["a", "when", "fraud", "amount"])
    assert plan.needed == ("when", "amount", "fraud", "a")
    assert plan.columns["card_id.1"] == plan.columns["label"] == "fraud"


def test_a_date_in_parts_has_a_role_for_each_part():
    time = {"kind": "parts", "year": "y", "month": "m", "day": "d"}
    plan = column_plan(preset_from_dict(SMALLEST | {"event_time": time}), ["y", "m", "d", "amount", "fraud"])
    assert set(plan.columns) == {"event_time.year", "event_time.month", "event_time.day", "amount", "label"}
    assert set(plan.columns) - {"amount", "label"} <= set(time_roles("event_time").values())
