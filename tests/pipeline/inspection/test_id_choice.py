"""Whose transaction it was."""

import pytest

from pipeline.inspection.id_choice import id_choice
from pipeline.inspection.interview import NONE, Interview
from tests.fixtures.messy_exports import card_number
from tests.fixtures.seen_files import ROWS, repeated, seen

CARDS = repeated([f"c{card}" for card in range(50)])
SHOPS = repeated([f"m{shop}" for shop in range(30)])
NUMBERS = [str(row) for row in range(ROWS)]


def chosen(columns, ask=None):
    interview = Interview(ask)
    return id_choice(seen(columns), interview, taken=()), [question.about for question in interview.open]


@pytest.mark.parametrize(
    ("card", "merchant", "own"),
    [
        ("card_id", "merchant_id", "transaction_id"),
        ("Kartennummer", "Händler", "Referenz"),
        ("cc_num", "shop", "trans_num"),
    ],
)
def test_ids_are_known_by_name(card, merchant, own):
    found, asked = chosen({own: NUMBERS, card: CARDS, merchant: SHOPS})
    assert found.entities == {"card_id": {"column": card}, "merchant_id": {"column": merchant}}
    assert found.transaction == {"column": own}
    assert asked == []
    assert set(found.columns) == {own, card, merchant}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"Vorgang": NUMBERS}, "is Vorgang the transaction's own id? it differs in every row"),
        (
            {"card_no": CARDS, "card_nr": CARDS},
            "is card_no the card? it is named for it, but card_nr may be it as well",
        ),
        ({"a": CARDS, "b": CARDS}, "is the card in a, b? no column is named for it"),
    ],
)
def test_what_is_not_sure_says_what_to_check(columns, said):
    interview = Interview()
    id_choice(seen(columns), interview, taken=())
    assert interview.open[0].reason == said


def test_properties_of_cards_and_merchants_are_no_ids():
    found, _ = chosen({"card_type": repeated(["a", "b", "c"]), "merchant_city": SHOPS, "mid": SHOPS})
    assert found.entities == {"merchant_id": {"column": "mid"}}


def test_card_numbers_are_cards_whatever_they_are_called():
    found, asked = chosen({"x": repeated([card_number(card) for card in range(40)]), "merchant": SHOPS})
    assert found.entities["card_id"] == {"column": "x"}
    assert asked == []


def test_an_account_stands_in_for_a_card_and_beside_one_is_an_entity_of_its_own():
    assert chosen({"customer_id": CARDS, "merchant_id": SHOPS})[0].entities["card_id"] == {"column": "customer_id"}
    both, asked = chosen({"card_id": CARDS, "customer_id": SHOPS, "merchant_id": SHOPS})
    assert both.entities["account_id"] == {"column": "customer_id"}
    assert asked == []


def test_two_accounts_are_asked_about():
    assert "entities.card_id" in chosen({"user_id": CARDS, "account_number": SHOPS})[1]


def test_ids_without_a_name_are_asked_about_and_left_out_where_nobody_answers():
    found, asked = chosen({"f2": CARDS, "f3": SHOPS})
    assert found.entities == {}
    assert asked == ["entities.card_id", "entities.merchant_id"]
    answers = {"entities.card_id": "f2", "entities.merchant_id": "f3"}
    found, _ = chosen({"f2": CARDS, "f3": SHOPS}, lambda question: answers.get(question.about, NONE))
    assert list(found.entities) == ["card_id", "merchant_id"]


def test_how_ids_are_spelled_becomes_keys():
    shops = [*["N/A"] * 20, *["a1", "A1"], *SHOPS[:178]]
    found, _ = chosen({"merchant_id": shops, "card_id": repeated([f"{card}.0" for card in range(40)])})
    assert found.entities["merchant_id"] == {"column": "merchant_id", "missing": ["N/A"], "upper": True}
    assert found.entities["card_id"] == {"column": "card_id", "whole_numbers": True}


def test_mail_addresses_are_no_ids():
    assert chosen({"customer_mail": repeated([f"u{card}@bank.example" for card in range(50)])})[0].entities == {}
