import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.stages.ingest.card_number_warnings import card_number_warnings


def with_check_digit(number):
    digits = [int(each) for each in str(number)]
    doubled = [2 * each - 9 * (each > 4) for each in digits[::-2]]
    return f"{number}{-(sum(doubled) + sum(digits[-2::-2])) % 10}"


@pytest.fixture
def written(tmp_path):
    def write(**columns):
        pq.write_table(pa.table(columns), tmp_path / "transactions.parquet")
        return tmp_path / "transactions.parquet"

    return write


CARDS = [with_check_digit(453_957_876_362_000 + number) for number in range(30)]


def test_card_numbers_that_nothing_hashes_are_told_loudly_and_none_is_shown(written):
    (warning,) = card_number_warnings(written(card_id=CARDS, merchant_id=["m1"] * 30), hashed=False)
    assert warning.startswith("PLAIN CARD NUMBERS: card_id holds them")
    assert not any(card in warning for card in CARDS)


def test_hashed_ids_are_silent_and_other_columns_are_looked_at_all_the_same(written):
    path = written(card_id=CARDS, account_id=CARDS)
    (warning,) = card_number_warnings(path, hashed=True)
    assert "account_id holds them" in warning


def test_numbers_without_check_digits_are_silent(written):
    path = written(card_id=[str(453_957_876_362_0000 + 7 * number) for number in range(300)], amount=[1.0] * 300)
    assert list(card_number_warnings(path, hashed=False)) == []
