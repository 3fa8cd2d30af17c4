"""Text of others as it can be seen: what moves a cursor, turns the writing or hides is shown by its number.

Names, headers, categories and manifests come from anywhere. Whatever shows them takes them from here, so that no
character of theirs does anything but stand there.
"""

import re

LONGEST_SHOWN = 4_000
"""Characters of one line that are shown."""
HIDDEN_RANGES = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's control, format and surrogate characters, its line and paragraph marks, its blanks that count as letters,
and the selectors that a text can be hidden in."""
HIDDEN = re.compile(f"[{HIDDEN_RANGES}]")
NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str) -> str:
    r"""A text on one line whose every character can be seen.

    >>> visible("a\x1b[2Kb\n")
    'a\\x1b[2Kb\\n'
    """
    return HIDDEN.sub(_number, text)


def shortened(text: str, *, most: int = LONGEST_SHOWN) -> str:
    """A text of at most so many characters and, where it had more, their number.

    >>> shortened("abcdef", most=4)
    'abcd… (2 more characters)'
    """
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _number(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] in NAMED:
        return NAMED[found[0]]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
