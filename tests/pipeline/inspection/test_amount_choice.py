"""Which number is the amount, how it is spelled, and in which currency."""

import io

import pytest
from rich.console import Console

from pipeline.inspection.amount_choice import amount_choice
from pipeline.inspection.interview import Interview, asked_on
from pipeline.storage.errors import InputError
from tests.fixtures.seen_files import ROWS, repeated, seen

AMOUNTS = tuple(f"{1.37 * row + 0.51:.2f}" for row in range(ROWS))


def chosen(columns, ask=None, taken=()):
    interview = Interview(ask)
    return amount_choice(seen(columns), interview, taken=taken), interview


def asked(interview):
    return [question.about for question in interview.open]


def test_a_column_named_for_it_wins_over_fees_balances_and_codes():
    columns = {"fee_amount": AMOUNTS, "balance": AMOUNTS, "mcc": repeated(["5411", "5812"]), "Betrag": AMOUNTS}
    found, interview = chosen(columns)
    assert found.keys == {"column": "Betrag"}
    assert asked(interview) == []


@pytest.mark.parametrize("names", [("amount", "billing_amount"), ("v1", "v2")])
def test_two_that_either_could_be_are_asked_about(names):
    _, interview = chosen(dict.fromkeys(names, AMOUNTS))
    assert asked(interview) == ["amount"]
    assert interview.open[0].reason == f"is {names[0]} the amount? it is taken of 2 that hold numbers"


def test_what_is_something_else_already_is_no_amount():
    with pytest.raises(InputError, match="no column holds numbers"):
        chosen({"amount": AMOUNTS, "name": repeated(["x"])}, taken=("amount",))


def test_decimal_commas_and_thousands_become_keys():
    found, _ = chosen({"Betrag": repeated(["1.234,50", "7,00"])})
    assert found.keys == {"column": "Betrag", "thousands": ".", "decimal": ","}


@pytest.mark.parametrize(
    ("answer", "keys"), [("thousands", {"thousands": ".", "decimal": ","}), ("fraction", {"decimal": "."})]
)
def test_one_mark_before_three_digits_is_asked_about(answer, keys):
    found, interview = chosen({"amount": repeated(["1.234", "5.678"])}, lambda question: answer)
    assert found.keys == {"column": "amount", **keys}
    assert interview.answers[1].said


def test_cents_are_sure_by_name_and_asked_about_without_one():
    whole = [str(137 * row) for row in range(1, ROWS)]
    named, interview = chosen({"amount_cents": whole})
    assert named.keys["unit"] == "minor"
    assert asked(interview) == []
    unnamed, interview = chosen({"amount": whole})
    assert "unit" not in unnamed.keys
    assert asked(interview) == ["amount"]


def test_a_few_negative_amounts_are_refunds_and_many_are_asked_about():
    few, interview = chosen({"amount": [f"-{each}" if row % 20 == 0 else each for row, each in enumerate(AMOUNTS)]})
    assert few.keys["refund"] == "is_refund"
    assert asked(interview) == []
    assert asked(chosen({"amount": [f"-{each}" for each in AMOUNTS]})[1]) == ["amount"]


def test_one_currency_is_told_and_two_need_a_rate():
    one, interview = chosen({"amount": AMOUNTS, "ccy": repeated(["EUR"])})
    assert (one.currency, one.rates, asked(interview)) == ({"column": "ccy"}, {}, [])
    two, interview = chosen({"amount": AMOUNTS, "money": repeated(["EUR", "EUR", "USD"])})
    assert two.currency == {"column": "money", "target": "EUR"}
    assert two.rates == {"EUR": "1", "USD": ""}
    assert asked(interview) == ["currency"]


def test_amounts_that_somebody_calls_converted_need_no_rate():
    two, _ = chosen({"amount": AMOUNTS, "ccy": repeated(["EUR", "EUR", "USD"])}, lambda question: "converted")
    assert two.currency == {"column": "ccy", "target": "EUR", "converted": True}
    assert two.rates == {}


def typed(monkeypatch, *answers):
    given = iter(answers)
    monkeypatch.setattr("builtins.input", lambda *_: next(given))
    columns = {"amount": AMOUNTS, "ccy": repeated(["EUR", "EUR", "EUR", "CHF", "CHF", "USD"])}
    return chosen(columns, asked_on(Console(file=io.StringIO())))


def test_a_rate_is_asked_for_until_it_is_one_and_may_have_a_comma(monkeypatch):
    found, _ = typed(monkeypatch, "about one", "0,95", "converted", "0.92")
    assert found.rates == {"EUR": "1", "CHF": "0.95", "USD": "0.92"}


def test_once_amounts_are_converted_no_further_rate_is_asked_for(monkeypatch):
    assert typed(monkeypatch, "converted")[0].currency["converted"]


def test_enter_at_a_rate_leaves_it_open(monkeypatch):
    found, interview = typed(monkeypatch, "0.95", "")
    assert found.rates == {"EUR": "1", "CHF": "0.95", "USD": ""}
    assert [question.text[:19] for question in interview.open] == ["What is one USD wor"]
    assert interview.comments("currency")[1].startswith("# check: amounts in USD need a rate to EUR")


def test_countries_are_no_currencies():
    assert chosen({"amount": AMOUNTS, "where": repeated(["BEL", "NLD"])})[0].currency is None
