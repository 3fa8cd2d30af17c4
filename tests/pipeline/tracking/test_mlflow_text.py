import pytest

from pipeline.tracking.mlflow_text import mlflow_name, mlflow_text, quoted_value
from tests.oracles.planted_cards import spelled


@pytest.mark.parametrize(
    ("name", "kept"),
    [("harbor.now.a/b:c d-e", "harbor.now.a/b:c d-e"), ("a<b>", "a_b_"), ("a//../b", "a/_/_/b"), ("", "_"), ("é", "_")],
)
def test_a_name_holds_what_stores_accept_and_is_no_way_out(name, kept):
    assert mlflow_name(name) == kept


def test_a_value_is_masked_and_keeps_its_lines():
    assert mlflow_text(f"# a\nof {spelled('plain')}\x1b", 100) == "# a\nof …\\x1b"


def test_a_value_is_not_longer_than_the_store_takes():
    assert len(mlflow_text("\x1b" * 1_000, 100)) == 100


def test_a_value_in_a_search_cannot_end_its_quotes():
    assert quoted_value("a-b") == "'a-b'"
    assert quoted_value("a'b") == '"a\'b"'
    assert quoted_value("a'b\"c") == '"a\'bc"'
