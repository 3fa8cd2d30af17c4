import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.storage.csv_text import csv_bytes, csv_rows, csv_text


@pytest.mark.parametrize("text", ["=1+1", " =1", "+cmd|x", "-2+3", "@SUM(A1)", "|x", "%x", "＝1", "'=1"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text):
    assert csv_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+4.5", "-1e-7", "a=b", "", "tx-1", "x@y"])
def test_numbers_and_other_texts_stay(text):
    assert csv_text(text) == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_taking_one_apostrophe_away_gives_what_was_meant(text):
    assert csv_text(text) in (text, f"'{text}")
    assert csv_text(text) == f"'{text}" or not text.startswith("'")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_table_gives_the_same_cells_as_rows(texts):
    columns = pa.table({"x": texts, "p": [0.5] * len(texts)})
    found = list(csv.reader(io.StringIO(csv_bytes(columns).decode()), strict=True))
    assert found == list(csv.reader(io.StringIO(csv_rows([["x", "p"], *([text, 0.5] for text in texts)]))))


def test_dictionaries_are_texts_and_numbers_are_not():
    table = pa.table({"a": pa.array(["=1", "b", None]).dictionary_encode(), "n": [-1, 2, None]})
    assert csv_bytes(table).decode().splitlines()[1:] == ['"\'=1",-1', '"b",2', ","]
