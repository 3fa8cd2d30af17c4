"""What a promotion comes to, for every case that aliases, gate and ledger can be in."""

import pytest

from pipeline.registry.decision import Decision, decision
from pipeline.registry.ledger import Promotion

BEGAN = 1_000


def line(action, time):
    return Promotion(1, time, action, "m", "1", "sha", None, "1", "harbor")


EARLIER, SINCE = line("promote", BEGAN), line("promote", BEGAN + 1)
ALREADY, REFUSED, OVERTAKEN, PROMOTED = Decision


@pytest.mark.parametrize(
    ("before", "passed", "lines", "expected"),
    [
        (None, True, [], PROMOTED),
        (None, False, [], REFUSED),
        ("1", True, [], PROMOTED),
        ("1", True, [EARLIER], PROMOTED),
        ("1", True, [SINCE], OVERTAKEN),
        ("1", True, [SINCE, EARLIER], OVERTAKEN),
        ("1", True, [line("rollback", BEGAN + 1)], OVERTAKEN),
        (None, True, [SINCE], OVERTAKEN),
        ("1", True, [line("refuse", BEGAN + 1), line("found", BEGAN + 1)], PROMOTED),
        ("1", False, [SINCE], REFUSED),
        ("2", True, [SINCE], ALREADY),
        ("2", False, [], ALREADY),
    ],
)
def test_a_version_becomes_champion_only_if_it_passed_and_nobody_was_faster(before, passed, lines, expected):
    assert decision(before, "2", passed=passed, lines=lines, began=BEGAN) is expected
