import numpy as np
import pyarrow as pa
import pytest

from pipeline.state.card_numbers import CardNumbersError, check_no_card_numbers, has_check_digit

REAL = ("4111111111111111", "5500000000000004", "340000000000009", "6011000000000004", "501800000009")


def naive_check(number):
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def test_check_digits_are_those_of_the_rule_by_hand():
    rng = np.random.default_rng(1)
    numbers = [*REAL, *("".join(map(str, rng.integers(0, 10, length))) for length in rng.integers(12, 20, 300))]
    assert has_check_digit(pa.array(numbers)).tolist() == [naive_check(each) for each in numbers]


@pytest.mark.parametrize("ids", [REAL, [int(each) for each in REAL], [*REAL, *(f"c{k}" for k in range(1000))]])
def test_card_numbers_are_refused_and_none_is_shown(ids):
    column = pa.chunked_array([pa.array(map(str, ids) if isinstance(ids[-1], str) else ids)])
    with pytest.raises(CardNumbersError, match=r"5 of 5 different ids of 12 to 19 digits") as refused:
        check_no_card_numbers(column)
    assert not [each for each in REAL if each in str(refused.value)]


def test_ids_that_are_no_card_numbers_pass():
    rng = np.random.default_rng(2)
    tokens = rng.integers(10**15, 10**16, 20_000)
    for ids in (["c1", None, "4111"], tokens, tokens[:1] // 10 * 10 + 3, [None]):
        check_no_card_numbers(pa.chunked_array([pa.array(ids)]))


@pytest.mark.parametrize("spelled", ["{0}-{1}-{2}-{3}", "{0} {1} {2} {3}", "{0}{1}{2}{3}.0", "card:{0}{1}{2}{3}"])
def test_card_numbers_are_known_in_other_spellings(spelled):
    groups = [("4111", "1111", "1111", "1111"), ("5500", "0000", "0000", "0004"), ("6011", "0000", "0000", "0004")]
    ids = pa.chunked_array([pa.array([spelled.format(*each) for each in groups])])
    with pytest.raises(CardNumbersError, match=r"^account_id must be hashed.* 3 of 3 different ids"):
        check_no_card_numbers(ids, name="account_id")
