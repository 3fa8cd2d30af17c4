import sys
import unicodedata

from evaluation.render import foreign_text
from pipeline.storage.visible_text import HIDDEN, HIDDEN_RANGES, shortened, visible


def test_every_control_format_and_surrogate_character_counts_as_hidden():
    hidden = (chr(code) for code in range(sys.maxunicode + 1))
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    assert [f"{ord(c):x}" for c in hidden if unicodedata.category(c) in kinds and not HIDDEN.match(c)] == []


def test_letters_digits_and_signs_are_not_hidden():
    assert visible("Zürich → 12 %, 北京 ✓ \ufffd") == "Zürich → 12 %, 北京 ✓ \ufffd"


def test_hidden_characters_stand_as_their_numbers():
    assert visible("a\x1b\n\u202e\U000e0041\udc80") == r"a\x1b\n\u202e\U000e0041\udc80"


def test_pages_hide_what_terminals_hide():
    assert foreign_text.HIDDEN_RANGES == HIDDEN_RANGES


def test_a_long_text_says_how_much_of_it_is_missing():
    assert shortened("x" * 10, most=10) == "x" * 10
    assert shortened("x" * 5_010, most=10) == "x" * 10 + "… (5,000 more characters)"
