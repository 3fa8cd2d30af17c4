"""Inputs, leaks, personal data, and what is left unread."""

from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.other_columns import other_columns
from tests.fixtures.seen_files import LABEL, LATER, ROWS, repeated, seen

FRAUD = [label == "1" for label in LABEL]


def others(**columns):
    label = LabelChoice("is_fraud", ("1",), ("0",), ())
    return other_columns(seen({**columns, "is_fraud": LABEL}), label, taken={"is_fraud"}, entities=["card_id"])


def test_what_only_frauds_have_is_a_leak_whatever_it_is_called():
    found = others(motif=["vol" if fraud else None for fraud in FRAUD], note=repeated(["a", None]))
    assert found.leaks == ("motif",)


def test_a_value_that_holds_the_frauds_and_little_else_is_a_leak():
    found = others(status=["CLOSED" if fraud else "SETTLED" for fraud in FRAUD], channel=repeated(["web", "pos"]))
    assert found.leaks == ("status",)


def test_names_that_know_the_answer_are_leaks():
    assert others(fraud_type=repeated(["a", "b"]), chargeback_fee=repeated(["1.5", "2.5"])).leaks == (
        "fraud_type",
        "chargeback_fee",
    )


def test_personal_data_is_told_by_name_and_by_its_look_and_a_merchants_name_is_none():
    mail = repeated([f"u{row}@bank.example" for row in range(9)])
    found = others(last_name=repeated(["x", "y"]), contact=mail, merchant_name=repeated(["s", "t"]))
    assert found.personal == ("last_name", "contact")
    assert found.categorical == [{"columns": ["merchant_name"]}]


def test_card_numbers_in_a_column_of_any_name_are_personal():
    numbers = repeated(["4111 1111 1111 1111", "5500-0000-0000-0004", "6011000000000004"])
    assert others(distance=numbers, channel=repeated(["web", "pos"])).personal == ("distance",)


def test_numbers_are_numbers_and_codes_are_categories():
    found = others(
        distance=[f"{row * 1.5}" for row in range(ROWS)],
        mcc=[f"{5000 + row % 90}.0" for row in range(ROWS)],
        tries=repeated(["1", "2", "3"]),
    )
    assert found.numeric == [{"columns": ["distance"]}]
    assert found.categorical == [{"columns": ["mcc"], "whole_numbers": True}, {"columns": ["tries"]}]


def test_columns_that_are_read_alike_stand_together_and_decimal_commas_apart():
    numbers = [f"{row},5" for row in range(ROWS)]
    found = others(a=numbers, b=numbers, c=[f"{row}.5" for row in range(ROWS)])
    assert found.numeric == [{"columns": ["a", "b"], "decimal": ","}, {"columns": ["c"]}]


def test_names_of_harbors_own_and_names_with_spaces_are_replaced():
    found = others(**{"weight": repeated(["x", "y"]), "Country Code": repeated(["BE", "NL"])})
    assert found.categorical == [{"columns": ["weight", "Country Code"], "names": ["weight_2", "country_code"]}]


def test_what_is_left_out_is_told_by_why():
    found = others(one=repeated(["x"]), when=LATER, free=[f"text {'x' * row}" for row in range(ROWS)])
    assert found.unread == {"one value or none": ("one",), "further times": ("when",)}
    assert found.categorical == [{"columns": ["free"]}]
