"""A program gets the notice on its standard input, and what becomes of it is told."""

import json
import sys

import pytest

from pipeline.notices.command_hook import run_hook
from pipeline.notices.notice import Notice
from pipeline.notices.webhook import DeliveryError

NOTICE = Notice("champion_changed", {"champion": "7"})


def python(code, *arguments):
    return (sys.executable, "-S", "-c", code, *arguments)


def test_a_program_reads_the_notice_and_its_kind(tmp_path):
    place = tmp_path / "got.json"
    code = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read() + os.environ['HARBOR_EVENT'])"
    run_hook(python(code, str(place)), NOTICE, timeout=30)
    line, kind = place.read_text().split("\n")
    assert json.loads(line)["champion"] == "7"
    assert kind == "champion_changed"


def test_no_shell_reads_the_arguments(tmp_path):
    place = tmp_path / "got"
    run_hook(
        python("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", str(place), "$(id); `x`"), NOTICE, timeout=30
    )
    assert place.read_text() == "$(id); `x`"


@pytest.mark.parametrize(
    ("command", "said", "final"),
    [
        (python("raise SystemExit(3)"), "ended with 3", False),
        (python("import time; time.sleep(30)"), "longer than 0.2 s", False),
        (("/nowhere/at-all",), "cannot be run", True),
    ],
)
def test_a_program_that_fails_is_a_delivery_that_failed(command, said, final):
    with pytest.raises(DeliveryError, match=said) as refused:
        run_hook(command, NOTICE, timeout=0.2 if "sleep" in command[-1] else 30)
    assert refused.value.final is final
