import pytest
import yaml
from markdown_it import MarkdownIt
from markupsafe import Markup

from evaluation.render.foreign_text import LONGEST, html_value, markdown_text, visible_text, yaml_text


@pytest.mark.parametrize(
    "text", ["fraud_rate_30d of card_id", "0.5 (12 of 30), below 12 %", "a - b", "ε = 0.1: 'x'", "- 3", "1. a", "# a"]
)
def test_markdown_reads_as_it_was_written(text):
    (shown,) = [token for token in MarkdownIt().parse(f"- {markdown_text(text)}") if token.type == "inline"]
    assert "".join(child.content for child in shown.children) == text


def test_words_of_harbors_own_keep_their_source():
    assert markdown_text("log_loss 0.5 (0.4 – 0.6), a-b_c") == "log_loss 0.5 (0.4 – 0.6), a-b_c"


def test_yaml_reads_back_what_can_be_seen():
    assert yaml.safe_load(yaml_text('a"b: #\u2028')) == 'a"b: #\\u2028'


def test_markup_and_numbers_pass_a_template_as_they_are():
    assert html_value(Markup("<b>\x07")) == "<b>\x07"
    assert html_value(3) == 3
    assert html_value("\x07") == r"\x07"


def test_a_text_without_end_has_one():
    assert visible_text("x" * (LONGEST + 7)) == "x" * LONGEST + "… (7 more characters)"
