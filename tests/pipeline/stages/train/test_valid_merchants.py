"""Merchants of the rows that settings are compared on."""

import numpy as np
import pyarrow as pa

from pipeline.stages.train.valid_merchants import merchant_codes


def test_rows_of_one_merchant_share_a_code_and_rows_of_none_have_minus_one():
    table = pa.table({"merchant_id": pa.chunked_array([["b", "a", None], ["b", "c"]])})
    codes = merchant_codes(table, labelled=np.array([True, True, True, True, False]))
    assert codes[0] == codes[3] != codes[1]
    assert codes[2] == -1
    assert len(codes) == 4


def test_columns_that_are_dictionaries_already_are_coded_likewise():
    named = pa.array(["b", "a", None, "b"]).dictionary_encode()
    codes = merchant_codes(pa.table({"merchant_id": named}), labelled=np.ones(4, bool))
    assert codes.tolist() == [0, 1, -1, 0]


def test_data_without_merchants_has_no_codes():
    assert merchant_codes(pa.table({"amount": [1.0]}), labelled=np.array([True])) is None
