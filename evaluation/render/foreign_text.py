"""Text of others on a page: names, headers and categories that must stay words in Markdown, HTML and YAML.

What moves a cursor, turns the writing or hides is shown by its number; what would be markup loses that meaning.
"""

import json
import re

from markupsafe import Markup

HIDDEN_RANGES = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Control, format and surrogate characters, line marks, blanks that count as letters, and variation selectors."""
HIDDEN = re.compile(f"[{HIDDEN_RANGES}]")
MARKS = re.compile(
    r"[\\`*\[\]<>|&~${}]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.|(?<=\w)@(?=\w)|(?<=\{)[%#]|[%#](?=\})", re.I
)
"""What begins emphasis, code, a link, a cell, HTML, a formula or a template; a `_` inside a word does not."""
BLOCK = re.compile(r"([-+=#]+|\d{1,9}[.)])(?=\s|$)")
"""What makes a heading, a rule or a list where a line begins with it."""
LONGEST = 2_000
"""Characters of one text that a page shows."""


def visible_text(text: str) -> str:
    """A text on one line whose every character can be seen, cut where it is longer than anybody reads."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST:,} more characters)"
    return HIDDEN.sub(_number, cut)


def markdown_text(text: str) -> str:
    r"""Words inside a line of Markdown: no markup, no link, no second line.

    >>> markdown_text("<b>[x](http://y)</b> fraud_rate | 0.5")
    '\\<b\\>\\[x\\](http\\://y)\\</b\\> fraud_rate \\| 0.5'
    """
    line = MARKS.sub(lambda found: f"\\{found[0]}", visible_text(text)).strip()
    begins = BLOCK.match(line)
    return line if begins is None else f"{begins[0][:-1]}\\{line[begins.end() - 1 :]}"


def yaml_text(text: str) -> str:
    """A text as a quoted YAML scalar."""
    return json.dumps(visible_text(text), ensure_ascii=False)


def html_value(value: object) -> object:
    """A value on its way into a template that escapes: texts become visible first, markup and numbers stay."""
    return visible_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _number(found: re.Match[str]) -> str:
    code = ord(found[0])
    return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(
        found[0], f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )
