"""What names say, in several languages and spellings."""

import pytest

from pipeline.inspection.column_words import hints_at, name_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("isFraud", ("is", "fraud")),
        ("TX_DATETIME", ("tx", "datetime")),
        ("N° carte", ("n", "carte")),
        ("Date opération", ("date", "operation")),
        ("D1", ("d",)),
    ],
)
def test_a_name_is_parted_where_people_part_it(name, words):
    assert name_words(name) == words


@pytest.mark.parametrize(
    ("name", "role"),
    [("Kartennummer", "card"), ("Händler", "merchant"), ("Montant", "amount"), ("Betrugskennzeichen", "label")],
)
def test_words_of_other_languages_and_compounds_are_known(name, role):
    assert hints_at(name, role)


@pytest.mark.parametrize(("name", "role"), [("discard", "card"), ("rate", "card"), ("midnight", "merchant")])
def test_a_short_word_inside_another_one_means_nothing(name, role):
    assert not hints_at(name, role)
