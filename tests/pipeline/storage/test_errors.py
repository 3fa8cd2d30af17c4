"""Messages: faults are counted and all named, and no folder of this machine stays in them."""

import errno
from pathlib import Path

import pytest

from pipeline.storage.errors import InputError, faults_text, may_pass, portable_message


@pytest.mark.parametrize(
    ("faults", "most", "text"),
    [
        (["a: missing"], None, "1 fault in the table\n  a: missing"),
        (["a", "b"], None, "2 faults in the table\n  a\n  b"),
        (["a", "b"], 2, "2 faults in the table\n  a\n  b"),
        (["a", "b", "c"], 1, "3 faults in the table\n  a\n  and 2 more"),
    ],
)
def test_faults_are_counted_and_named_up_to_the_most(faults: list[str], most: int | None, text: str) -> None:
    assert faults_text(faults, "the table", most=most) == text


def test_a_message_is_short_on_one_line_and_names_no_folder() -> None:
    error = ValueError(f"/home/me/run/model.onnx\n  changed in /home/me/run {'x' * 400}")
    text = portable_message(error, Path("/home/me/run"))
    assert text.startswith("model.onnx changed in the bundle xxx")
    assert len(text) == 300


def test_an_error_without_words_is_named_by_its_class() -> None:
    assert portable_message(KeyError(), Path("/x")) == "KeyError"


def refused(reason):
    """An error in words of what is refused, as if it were what another error made of it."""
    try:
        try:
            raise reason
        except OSError:
            raise InputError("x must be a plain file") from None
    except InputError as error:
        return error


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ESTALE, errno.ENOSPC])
def test_trouble_of_the_system_may_pass_whatever_the_words_over_it(number):
    assert may_pass(refused(OSError(number, "trouble")))


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EISDIR])
def test_what_somebody_must_mend_does_not_pass(number):
    assert not may_pass(refused(OSError(number, "missing")))
