"""What a person sees: a bar in a terminal, plain lines elsewhere, nothing where nobody looks."""

import io

import pytest
from rich.console import Console

from pipeline.process import reporter as reporters
from pipeline.process.reporter import PlainReporter, SilentReporter, TerminalReporter, reporter_for


def console(*, terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=40)


def test_a_console_gets_the_reporter_that_suits_it():
    assert isinstance(reporter_for(console(terminal=True)), TerminalReporter)
    assert isinstance(reporter_for(console(terminal=False)), PlainReporter)


@pytest.mark.parametrize("terminal", [True, False])
def test_words_come_out_as_they_were_said(terminal):
    out = console(terminal=terminal)
    reporter = reporter_for(out)
    with reporter.stage("train"):
        reporter.say("[bold]ε = 0.1[/bold]", event="setting", epsilon=0.1)
        reporter.warn("few frauds")
    text = out.file.getvalue()
    assert "[bold]ε = 0.1[/bold]" in text
    assert "few frauds" in text
    assert "epsilon" not in text


def test_a_long_line_is_not_broken_in_a_log():
    out = console(terminal=False)
    PlainReporter(out).say("x" * 100)
    assert out.file.getvalue() == "x" * 100 + "\n"


def test_progress_is_a_plain_line_at_most_every_interval(monkeypatch):
    out = console(terminal=False)
    reporter = PlainReporter(out)
    with reporter.stage("train"):
        reporter.progress(1, 20, "just begun")
        monkeypatch.setattr(reporters, "PLAIN_INTERVAL", 0.0)
        reporter.progress(2, 20, "valid 0.05")
    assert out.file.getvalue() == "  train 2/20 valid 0.05\n"


def test_a_bar_shows_how_far_the_stage_has_come_and_goes_with_it():
    out = console(terminal=True)
    reporter = TerminalReporter(out)
    reporter.progress(1, 2, "no stage yet")
    with reporter.stage("train"):
        reporter.progress(1, 2, "epoch 1")
        assert (reporter._bar.tasks[0].percentage, reporter._bar.tasks[0].fields["note"]) == (50.0, "epoch 1")
    reporter.progress(2, 2, "no stage any more")


def test_silence_is_silent(capsys):
    reporter = SilentReporter()
    with reporter.stage("train"):
        reporter.say("x", event="y", z=1)
        reporter.warn("x")
        reporter.progress(1, 2)
    assert capsys.readouterr() == ("", "")
