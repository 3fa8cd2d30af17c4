import io

from rich.console import Console

from pipeline.process.terminal import (
    MOST_LINES,
    coloured,
    print_error,
    print_line,
    print_table,
    print_traceback,
    shown_line,
    shown_text,
)
from tests.oracles.planted_cards import spelled


def printed(act):
    stream = io.StringIO()
    act(Console(file=stream, width=60, color_system=None))
    return stream.getvalue()


def test_a_line_break_is_harbors_only_where_the_next_line_is_indented():
    assert shown_text("2 faults in x\n  a\n  b") == "2 faults in x\n  a\n  b"
    assert shown_text("of x\nharbor: done") == r"of x\nharbor: done"


def test_a_line_is_masked_before_it_is_cut():
    assert spelled("plain")[:12] not in shown_line("x" * 3_990 + " " + spelled("plain"))


def test_a_message_of_many_lines_is_cut_and_says_so():
    shown = shown_text("faults" + "\n  x" * 1_000).split("\n")
    assert len(shown) == MOST_LINES + 1
    assert shown[-1] == "  and 501 more lines"


def test_a_line_is_never_wrapped_and_its_markup_never_read():
    assert printed(lambda console: print_line("[b]x[/b] " * 20, console=console)).rstrip("\n") == "[b]x[/b] " * 20


def test_words_of_a_verdict_have_their_colour():
    assert [str(span.style) for span in coloured("gate passed").spans] == ["bold green"]


def test_cells_of_a_table_are_words():
    assert "[b]x[/b]" in printed(lambda console: print_table(["a"], [["[b]x[/b]"]], console=console))


def test_errors_and_tracebacks_go_to_the_stream_that_is_given():
    stream = io.StringIO()
    print_error("x\x1b", stream)
    print_traceback("Traceback\n  File\nError: \x1b", stream)
    assert stream.getvalue() == "x\\x1b\nTraceback\n  File\nError: \\x1b\n"
