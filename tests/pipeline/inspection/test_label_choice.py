"""What says fraud, and by which words."""

import pytest

from pipeline.inspection.interview import Interview
from pipeline.inspection.label_choice import LabelChoice, label_choice
from pipeline.storage.errors import InputError
from tests.fixtures.seen_files import LABEL, repeated, seen


def chosen(columns, ask=None):
    interview = Interview(ask)
    return label_choice(seen(columns), interview, taken=()), interview


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [("is_fraud", "1", "0"), ("Betrug", "J", "N"), ("Fraude", "OUI", "NON"), ("isFraud", "true", "false")],
)
def test_a_rare_word_in_a_column_named_for_it_is_sure(name, yes, no):
    found, interview = chosen({name: [yes if each == "1" else no for each in LABEL]})
    assert found == LabelChoice(name, (yes,), (no,), ())
    assert interview.open == []


def test_words_that_mean_not_known_yet_are_kept_apart():
    values = [*LABEL[:-20], *["pending"] * 20]
    found, interview = chosen({"fraud": values})
    assert found.unknown == ("pending",)
    assert interview.open == []


def test_where_the_word_for_fraud_is_common_somebody_is_asked():
    honest = ["0" if each == "1" else "1" for each in LABEL]
    found, interview = chosen({"label": honest})
    assert interview.open
    assert (found.yes, found.no) == (("0",), ("1",))
    assert chosen({"label": honest}, lambda question: {"label": "label"}.get(question.default, "1"))[0].yes == ("1",)


def test_a_flag_of_a_rule_gives_way_to_the_label():
    found, interview = chosen({"isFlaggedFraud": repeated(["0", "0", "0", "1"]), "isFraud": LABEL})
    assert found.column == "isFraud"
    assert interview.open == []


def test_two_labels_of_one_worth_are_asked_about():
    _, interview = chosen({"fraud": LABEL, "betrug": LABEL})
    assert [question.about for question in interview.open] == ["label"]


def test_a_flag_without_a_name_is_asked_about():
    _, interview = chosen({"f7": LABEL})
    assert interview.open[0].reason == "does f7 say what was fraud? it has 2 values"


def test_words_that_nobody_knows_are_asked_about():
    found, interview = chosen({"fraud_class": ["X" if each == "1" else "Q" for each in LABEL]})
    assert "rarest" in interview.open[-1].reason
    assert found.yes == ("X",)


def test_two_words_that_nobody_knows_in_a_column_that_nobody_knows_are_asked_about():
    _, interview = chosen({"x": ["P" if each == "1" else "Q" for each in LABEL], "y": repeated(["a", "b", "c"])})
    assert [question.about for question in interview.open] == ["label", "label"]


def test_a_label_that_names_frauds_alone_is_refused_with_the_reason():
    with pytest.raises(InputError, match="FRD_IND holds one word and blanks"):
        chosen({"FRD_IND": ["Y" if each == "1" else None for each in LABEL], "dr_cr": repeated(["D", "C"])})


def test_card_numbers_are_no_words_of_a_label():
    with pytest.raises(InputError, match="no column of two values"):
        chosen({"label": repeated(["4539578763621486", "4539000000000017"])})
