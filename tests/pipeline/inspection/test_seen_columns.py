"""A column as it looks by itself."""

from tests.fixtures.messy_exports import card_number
from tests.fixtures.seen_files import repeated, seen


def column(values):
    return seen({"a": values}).named("a")


def test_few_values_are_counted_and_many_are_not_kept():
    assert column(["Y", "N", "N", None]).values == {"Y": 1, "N": 2}
    assert column([f"c{row}" for row in range(50)]).values == {}


def test_card_numbers_are_known_by_their_check_digit():
    numbers = [card_number(card) for card in range(30)]
    assert column(numbers).like_card_numbers
    assert not column([str(int(each) + 1) for each in numbers]).like_card_numbers
    assert not column([f"c{row}" for row in range(30)]).like_card_numbers


def test_words_for_no_id_are_told_as_they_are_spelled():
    assert column([*["N/A"] * 5, *[f"m{row}" for row in range(50)]]).placeholders == ("N/A",)
    assert column([f"m{row}" for row in range(50)]).placeholders == ()


def test_values_that_differ_in_case_alone_are_noticed():
    assert column(["be", "BE", "nl"]).in_two_cases
    assert not column(["be", "nl"]).in_two_cases


def test_codes_with_a_fraction_of_nothing_are_whole():
    assert column(["5411.0", "5812.0"]).whole_text
    assert not column(["5411.5", "5812.0"]).whole_text
    assert not column([None, None]).whole_text


def test_fractions_are_no_ids_and_few_values_are_none():
    assert column(repeated(["c1", "c2", "c3"])).is_id
    assert not column([row + 0.5 for row in range(30)]).is_id
    assert not column(repeated(["Y", "N"])).is_id


def test_quotes_around_every_value_are_taken_off():
    found = seen({"who": ["'C1'", "'C2'"], "amount": ["4.5", "3.0"]})
    assert found.quotes == "'"
    assert found.named("who").text.to_pylist() == ["C1", "C2"]


def test_mail_addresses_are_noticed_and_a_column_without_a_name_is_left_out():
    found = seen({"": ["0", "1"], "contact": ["ann@bank.example", None]})
    assert [each.name for each in found.columns] == ["contact"]
    assert found.named("contact").like_mail
