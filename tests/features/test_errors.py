"""What features refuse: every fault in one message."""

import pytest

from features.errors import InputError, faults_text


@pytest.mark.parametrize(
    ("faults", "text"),
    [(["a: b"], "1 fault in the folds\n  a: b"), (["a", "b", "c"], "3 faults in the folds\n  a\n  b\n  c")],
)
def test_faults_are_counted_and_stand_on_a_line_each(faults, text):
    assert faults_text(faults, "the folds") == text


def test_a_refusal_is_a_value_error_for_whoever_calls_the_library():
    assert issubclass(InputError, ValueError)
