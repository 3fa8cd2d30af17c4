"""What is asked, what is not, and what the file says of it."""

import io

import pytest
from rich.console import Console

from pipeline.inspection.interview import Interview, Question, asked_on
from pipeline.storage.errors import InputError

SURE = Question("amount", "Which?", "amt", "amt is named for it", sure=True, options=("amt", "fee"))
UNSURE = Question("amount", "Which?", "amt", "it might be fee", options=("amt", "fee"))


def refusing(question):
    raise AssertionError(f"asked {question.text}")


def days(answer):
    if not answer.endswith("d"):
        raise InputError(f"must be days, got {answer}")
    return f"{24 * int(answer[:-1])}h"


def test_what_is_sure_is_asked_of_nobody():
    interview = Interview(refusing)
    assert interview.settle(SURE) == "amt"
    assert interview.comments("amount") == ["# amt is named for it"]
    assert interview.open == []


def test_without_anybody_a_default_is_taken_and_marked():
    interview = Interview()
    assert interview.settle(UNSURE) == "amt"
    assert interview.comments("amount") == ["# check: it might be fee"]
    assert interview.open == [UNSURE]


def test_an_answer_counts_and_is_no_longer_open():
    interview = Interview(lambda question: "fee")
    assert interview.settle(UNSURE) == "fee"
    assert interview.comments("amount") == ["# as answered: Which? fee"]
    assert interview.open == []


def test_to_say_nothing_where_there_is_no_default_leaves_a_question_open():
    interview, rate = Interview(lambda question: ""), Question("currency", "What is it worth?", "", "it needs a rate")
    assert interview.settle(rate) == ""
    assert interview.comments("currency") == ["# check: it needs a rate"]
    assert interview.open == [rate]


def test_what_no_answer_settles_is_asked_of_nobody_and_left_open():
    interview, folds = Interview(refusing), Question("split", "Which folds?", "default", "none fit")
    interview.leave_open(folds)
    assert interview.comments("split") == ["# check: none fit"]
    assert interview.open == [folds]


def test_comments_are_of_what_was_asked_for_alone():
    interview = Interview()
    interview.settle(UNSURE)
    assert interview.comments("label") == []


def test_an_answer_that_cannot_be_one_is_asked_for_again(monkeypatch):
    given = iter(["soon", "30d"])
    monkeypatch.setattr("builtins.input", lambda *_: next(given))
    shown = io.StringIO()
    ask = asked_on(Console(file=shown))
    delay = Question("labels.delay", "After how long?", "7d", "unknown", reading=days)
    assert ask(delay) == "720h"
    assert "must be days, got soon" in shown.getvalue()


@pytest.mark.parametrize(("typed", "taken"), [("", "amt"), ("fee", "fee")])
def test_enter_takes_the_default(monkeypatch, typed, taken):
    monkeypatch.setattr("builtins.input", lambda *_: typed)
    assert asked_on(Console(file=io.StringIO()))(UNSURE) == taken
