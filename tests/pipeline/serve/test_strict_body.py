"""What is JSON in the strict sense is taken, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.serve.refusal import RefusalError
from pipeline.serve.strict_body import check_single_keys, strict_lines, strict_row, strict_value

PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.dictionaries(st.text(max_size=8), PLAIN | st.text(alphabet=':"\\aé\n{}', max_size=12), max_size=6)


def refusal(call, *given):
    with pytest.raises(RefusalError) as found:
        call(*given)
    return found.value


@given(row=ROWS, escaped=st.booleans())
def test_every_flat_object_comes_back_as_it_is(row, escaped):
    assert strict_row(json.dumps(row, ensure_ascii=escaped).encode()) == row


@given(row=ROWS.filter(bool), value=PLAIN | st.text(alphabet=":a", max_size=4), escaped=st.booleans())
def test_a_key_that_stands_twice_is_always_found(row, value, escaped):
    text = json.dumps(row, ensure_ascii=escaped)
    twice = f"{text[:-1]}, {json.dumps(next(iter(row)), ensure_ascii=escaped)}: {json.dumps(value)}}}"
    assert refusal(strict_row, twice.encode()).status == 422


def test_colons_that_hide_behind_escapes_do_not_hide_a_key():
    body = rb'{"a": 1, "b": "\u003a", "a": 2}'
    assert body.count(b":") == 3
    assert refusal(strict_row, body).fields == ("a",)


@pytest.mark.parametrize(
    "body",
    [b"", b'{"a": NaN}', b'{"a": 1e400}', b'{"a": -Infinity}', b'{"a": 1,}', b"{'a': 1}", b"[" * 5000, b"\xff"],
)  # fmt: skip
def test_what_is_no_json_is_refused_without_its_content(body):
    found = refusal(strict_value, body)
    assert (found.status, "strict JSON" in found.problem) == (400, True)


@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null"])
def test_what_is_no_object_is_refused(body):
    assert refusal(strict_row, body).problem == "the body must be one JSON object"


def test_nested_values_are_refused_by_their_fields():
    assert refusal(strict_row, b'{"a": 1, "b": [1], "c": {"d": 1}}').fields == ("b", "c")


def test_keys_that_stand_twice_are_found_at_any_depth():
    check_single_keys(b'{"a": {"b": 1}, "b": [{"b": 2}]}')
    assert refusal(check_single_keys, b'{"x": [{"b": 1, "b": 2}]}').fields == ("b",)


def test_lines_are_counted_before_they_are_read():
    assert strict_lines(b'{"a": 1}\r\n\n{bad\n', most=2) == [b'{"a": 1}\r', b"{bad"]
    with pytest.raises(RefusalError, match="at most 2 lines, got 3"):
        strict_lines(b"1\n2\n3", most=2)
    with pytest.raises(RefusalError, match="got none"):
        strict_lines(b"\n \n", most=2)
