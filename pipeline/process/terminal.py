"""The terminal, and every plain stream that a person reads: what may be printed there, and the one way to print it.

No markup, no emoji codes and no control characters, wherever the text comes from; and since a line break in a name
would begin a line of its own, lines after the first are Harbor's only where they are indented.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.storage.masking import masked
from pipeline.storage.visible_text import LONGEST_SHOWN, shortened, visible

FURTHER_LINE = re.compile(r"\n(?=  )")
MOST_LINES = 500
VERDICT_STYLES = {"passed": "bold green", "refused": "bold red"}


def shown_line(text: str) -> str:
    """A text as one line of a terminal: masked, every character to be seen, not longer than can be read."""
    return visible(shortened(masked(shortened(text, most=2 * LONGEST_SHOWN))))


def shown_text(text: str) -> str:
    """A message as a terminal gets it: one line, and further ones where they are indented."""
    lines = FURTHER_LINE.split(text)
    more = [f"  and {len(lines) - MOST_LINES:,} more lines"] if len(lines) > MOST_LINES else []
    return "\n".join([*map(shown_line, lines[:MOST_LINES]), *more])


def print_line(text: str, *, console: Console | None = None, style: str = "") -> None:
    """Print a message, on standard output where no console is given; words of a verdict get their colour."""
    line = Text(shown_text(text), style) if style else coloured(shown_text(text))
    (console or Console()).print(line, soft_wrap=True)


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, console: Console) -> None:
    """Print a table, for a terminal that is wide enough for one."""
    table = Table()
    for title in head:
        table.add_column(Text(shown_line(title)))
    for row in rows:
        table.add_row(*(Text(shown_line(cell)) for cell in row))
    console.print(table)


def print_error(text: str, stream: TextIO) -> None:
    """Write a message to a stream for errors, without any style."""
    print(shown_text(text), file=stream, flush=True)


def print_traceback(text: str, stream: TextIO) -> None:
    """Write a traceback, whose every line is shown as a line."""
    print("\n".join(map(shown_line, text.split("\n"))), file=stream, flush=True)


def coloured(line: str) -> Text:
    """A line in which the words of a verdict have their colour, where the terminal has any and NO_COLOR is not set."""
    text = Text(line)
    for word, style in VERDICT_STYLES.items():
        text.highlight_regex(rf"\b{word}\b", style)
    return text
