"""What a person sees: a bar in a terminal, plain lines elsewhere, nothing where nobody looks."""

import io

import pytest
from rich.console import Console

from pipeline.process import reporter as reporters
from pipeline.process.reporter import PlainReporter, SilentReporter, StageLine, TerminalReporter, reporter_for


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


def test_progress_of_an_unknown_total_and_the_time_to_go_are_told_in_plain_lines(monkeypatch):
    monkeypatch.setattr(reporters, "PLAIN_INTERVAL", 0.0)
    moments = iter([0.0, 0.0, 1.0, 63.0])
    monkeypatch.setattr(reporters.time, "monotonic", lambda: next(moments))
    out = console(terminal=False)
    reporter = PlainReporter(out)
    with reporter.stage("train", "stage 3 of 7"):
        reporter.progress(9, None, "rows")
        reporter.progress(4, 6)
        reporter.progress(5, 6)
    lines = out.file.getvalue().splitlines()
    assert lines == ["  stage 3 of 7 train rows", "  stage 3 of 7 train 4/6", "  stage 3 of 7 train 5/6, 0:01:02 left"]


def shown(line, width=120):
    out = Console(file=io.StringIO(), width=width, no_color=True)
    out.print(line.render(width))
    return out.file.getvalue()


def test_the_clock_of_a_stage_runs_on_when_a_step_has_come_to_its_end():
    now = [0.0]
    line = StageLine("train", "stage 3 of 7", clock=lambda: now[0])
    for done in (3, 4, 5):
        now[0] += 10.0
        line.update(done, 6, f"epoch {done}")
    now[0] = 33.0
    assert "stage 3 of 7 train" in shown(line)
    assert "epoch 5" in shown(line)
    assert "0:00:33  0:00:07 left" in shown(line)
    line.update(6, 6, "epoch 6")
    now[0] = 95.0
    assert "0:01:35" in shown(line)
    assert "left" not in shown(line)


def test_a_narrow_terminal_keeps_clock_and_place_and_cuts_the_note():
    now = [0.0]
    line = StageLine("train", "stage 3 of 7", clock=lambda: now[0])
    line.update(1, 4, "a note that is far too long for the room that there is")
    assert "━" in shown(line, 120)
    assert "━" not in shown(line, 60)
    assert len(shown(line, 60).splitlines()) == 1
    assert shown(line, 60).rstrip().endswith("0:00:00")


def test_a_terminal_shows_the_stage_in_hand_and_wipes_it_out_at_its_end():
    out = console(terminal=True)
    reporter = TerminalReporter(out)
    reporter.progress(1, 2, "no stage yet")
    with reporter.stage("train", "stage 3 of 7"):
        reporter.progress(1, 2, "epoch 1")
    reporter.progress(2, 2, "no stage any more")
    assert "stage 3 of 7" in out.file.getvalue()
    assert "no stage" not in out.file.getvalue()


@pytest.mark.parametrize(("passed", "colour"), [(True, "\x1b[1;32mpassed"), (False, "\x1b[1;31mrefused")])
def test_a_verdict_has_its_colour_and_nothing_has_one_where_none_is_wanted(passed, colour, monkeypatch):
    word = "passed" if passed else "refused"
    for wanted in (True, False):
        monkeypatch.setenv("NO_COLOR", "" if wanted else "1")
        out = Console(file=io.StringIO(), force_terminal=True, color_system="standard")
        TerminalReporter(out).say(f"gate    {word}", event="gate", passed=passed)
        assert (colour in out.file.getvalue()) == wanted
        assert ("3" + ("2" if passed else "1") + "m" in out.file.getvalue()) == wanted


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(reporter_for(console(terminal=True)), PlainReporter)


def test_silence_is_silent(capsys):
    reporter = SilentReporter()
    with reporter.stage("train"):
        reporter.say("x", event="y", z=1)
        reporter.warn("x")
        reporter.progress(1, 2)
    assert capsys.readouterr() == ("", "")
