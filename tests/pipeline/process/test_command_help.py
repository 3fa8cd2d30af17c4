"""Every help ends with an example that the command line can read, and with the exit codes of its verb."""

import shlex

import pytest
import typer

from pipeline.cli import app
from pipeline.process.command_help import EXAMPLES, REFUSALS, help_end


def every_command():
    for name, command in typer.main.get_command(app).commands.items():
        inside = getattr(command, "commands", None)
        yield from {name: command}.items() if inside is None else ((f"{name} {verb}", inside[verb]) for verb in inside)


COMMANDS = dict(every_command())


def test_every_verb_ends_its_help_with_its_own_example():
    assert COMMANDS.keys() == EXAMPLES.keys()
    assert [name for name, command in COMMANDS.items() if command.epilog != help_end(name)] == []


@pytest.mark.parametrize("verb", EXAMPLES)
def test_an_example_is_a_command_line_that_can_be_read(verb):
    program, *words = shlex.split(EXAMPLES[verb])
    verbs = verb.split()
    assert (program, words[: len(verbs)]) == ("harbor", verbs)
    assert COMMANDS[verb].make_context(verb, words[len(verbs) :]).params


def test_only_verbs_that_judge_can_be_refused():
    assert {verb for verb in EXAMPLES if "; 3 " in help_end(verb)} == set(REFUSALS)
    assert "3 the gate refused the model" in help_end("run")
    assert "0 done; 1 failed or interrupted: run it again; 2 input refused; 4 another job" in help_end("status")
