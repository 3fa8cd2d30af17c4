"""What is written is read back as it was meant."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from pipeline.inspection.toml_text import Section, toml_text, toml_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(TEXTS, st.lists(TEXTS, max_size=40), st.booleans())
def test_any_text_comes_back(text, many, truth):
    written = toml_text([Section("label", {"column": text, "yes": many, "upper": truth, "map": {text: text}})])
    assert tomllib.loads(written) == {"label": {"column": text, "yes": many, "upper": truth, "map": {text: text}}}


@given(TEXTS)
def test_no_comment_ends_before_its_line(text):
    written = toml_text([Section("label", {"column": "a"}, (f"# {text}\ncolumn = 'b'",))])
    assert tomllib.loads(written) == {"label": {"column": "a"}}


def test_what_stands_above_all_has_no_header_and_what_is_empty_no_line():
    written = toml_text([Section("", {"delimiter": ";"}), Section("amount", {}), Section("label", {"column": "a"})])
    assert written == 'delimiter = ";"\n\n[label]\ncolumn = "a"\n'


def test_a_long_list_is_broken_into_lines_that_fit():
    written = toml_value([f"column_{number}" for number in range(60)])
    assert max(map(len, written.splitlines())) < 120
    assert tomllib.loads(f"names = {written}")["names"][-1] == "column_59"
