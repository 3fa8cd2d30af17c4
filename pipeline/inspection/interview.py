"""Questions about the data, each with what will be taken where nobody answers, and a record of what came of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.prompt import Prompt
from rich.text import Text

from pipeline.process.terminal import print_line, shown_line, shown_text
from pipeline.storage.errors import INPUT_ERRORS
from pipeline.storage.masking import masked

NONE = "none"
"""The answer that no column does."""


@dataclass(frozen=True)
class Question:
    """What is to be settled.

    Attributes:
        about: what in the preset or the configuration it decides.
        text: the question as a person is asked it.
        default: what holds where nobody is asked.
        reason: why that is the default, without a value of a row; where that is not sure, what to check first.
        sure: whether there is nothing to ask.
        options: possible answers; none where any text may be one.
        reading: what is meant by an answer that was typed; refuses one that cannot be one (InputError).
    """

    about: str
    text: str
    default: str
    reason: str
    sure: bool = False
    options: tuple[str, ...] = ()
    reading: Callable[[str], str] = str


@dataclass(frozen=True)
class Answer:
    """What was settled, and whether a person said so: to say nothing where there is no default leaves it open."""

    question: Question
    value: str
    said: bool

    @property
    def comment(self) -> str:
        """The line that stands above the choice in the file."""
        if self.said:
            return f"# as answered: {self.question.text} {masked(self.value)}"
        return f"# {'' if self.question.sure else 'check: '}{self.question.reason}"


Ask = Callable[[Question], str]


class Interview:
    """Settles questions: those that are not sure are asked where there is somebody to answer."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask
        self.answers: list[Answer] = []

    def settle(self, question: Question) -> str:
        """The answer to a question."""
        asked = not question.sure and self._ask is not None
        value = self._ask(question) if asked and self._ask is not None else question.default
        self.answers.append(Answer(question, value, said=asked and value != ""))
        return value

    def leave_open(self, question: Question) -> None:
        """Record what somebody should check and no answer here could settle."""
        self.answers.append(Answer(question, question.default, said=False))

    def comments(self, *about: str) -> list[str]:
        """What the file says of some choices, in the order of the questions."""
        return [answer.comment for answer in self.answers if answer.question.about in about]

    @property
    def open(self) -> Sequence[Question]:
        """What nobody was sure of and nobody answered."""
        return [each.question for each in self.answers if not each.question.sure and not each.said]


def asked_on(console: Console) -> Ask:
    """Puts questions to whoever sits at a console, again where an answer cannot be one; Enter takes the default."""

    def ask(question: Question) -> str:
        options = {shown_line(each): each for each in question.options}
        print_line(f"? {question.reason}", console=console, style="yellow")
        while True:
            answer = Prompt.ask(
                Text(shown_text(question.text)),
                console=console,
                choices=list(options) or None,
                default=shown_line(question.default),
                show_default=bool(question.default),
            )
            try:
                return question.reading(options.get(answer, answer))
            except INPUT_ERRORS as error:
                print_line(str(error), console=console, style="red")

    return ask
