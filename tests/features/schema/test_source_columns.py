import pytest
from pydantic import ValidationError

from features.errors import InputError
from features.schema.source_columns import (
    AmountColumn,
    CurrencyColumn,
    Extras,
    IdColumn,
    LabelColumn,
    Numeric,
    check_distinct,
)


def test_a_range_in_a_name_stands_for_all_its_columns_with_their_zeros():
    extras = Extras(columns=("id_{09..11}", "x"), names=("n{1..4}",), aliases=("a{1..4}",))
    assert dict(extras.resolved())["n3"] == ("id_11", "a3")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IdColumn(column="a", parts=[{"column": "b"}]), "either column or parts"),
        (lambda: CurrencyColumn(column="c", rates="r.csv"), "must give target"),
        (lambda: CurrencyColumn(column="c", target="EUR", rates="r", converted=True), "either rates or converted"),
        (lambda: LabelColumn(column="y", unknown=("TRUE",)), "each text must mean one label, got twice: 'true'"),
        (lambda: Extras(columns=("V{1..3}",), names=("a",)), "one entry for each of the 3 columns, got 1"),
        (lambda: Extras(columns=("V{1..20000}",)), "a range must stand for at most 10,000 columns"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(make, message):
    with pytest.raises((ValidationError, InputError), match=message):
        make()


def test_a_column_hands_its_spelling_to_whoever_reads_it():
    assert AmountColumn(column="a", thousands=".", decimal=",").format.thousands == "."
    assert Numeric(columns=("x",)).format.plain
    assert IdColumn(column="a", upper=True).spelling.upper


def test_words_may_mean_different_things_and_no_word_two():
    check_distinct(("yes", "no"), "label")
    with pytest.raises(InputError, match="each text must mean one place, got twice: 'auth'"):
        check_distinct(("auth", "AUTH"), "place")
