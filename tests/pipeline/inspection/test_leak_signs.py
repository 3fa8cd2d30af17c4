"""Signs that a column knows the answer, and columns that do not."""

from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.leak_signs import is_one_sided, outcomes, tells_frauds
from tests.fixtures.seen_files import LABEL, repeated, seen

FRAUD = [label == "1" for label in LABEL]


def looked_at(values, label=LABEL):
    columns = seen({"x": values, "label": label})
    return columns.named("x"), outcomes(columns, LabelChoice("label", ("1",), ("0",), ()))


def test_frauds_are_counted_by_the_words_for_them():
    assert looked_at(FRAUD)[1].frauds == 20


def test_a_column_that_one_class_alone_has_is_one_sided_either_way():
    assert is_one_sided(*looked_at(["a" if fraud else None for fraud in FRAUD]))
    assert is_one_sided(*looked_at([None if fraud else "a" for fraud in FRAUD]))
    assert not is_one_sided(*looked_at(repeated(["a", "b", None])))


def test_values_that_hold_the_frauds_tell_them_and_values_of_all_rows_do_not():
    assert tells_frauds(*looked_at(["back" if fraud else "done" for fraud in FRAUD]))
    assert not tells_frauds(*looked_at(repeated(["web", "pos", "atm"])))
    half = ["back" if fraud and row % 20 == 0 else "done" for row, fraud in enumerate(FRAUD)]
    assert not tells_frauds(*looked_at(half))


def test_a_handful_of_frauds_says_nothing():
    few = ["1" if row < 5 else "0" for row in range(200)]
    assert not is_one_sided(*looked_at(["a" if row < 5 else None for row in range(200)], few))
    assert not tells_frauds(*looked_at(["back" if row < 5 else "done" for row in range(200)], few))
