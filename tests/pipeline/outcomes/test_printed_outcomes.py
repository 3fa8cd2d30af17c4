import io

import pytest
from rich.console import Console

from pipeline.outcomes.printed_outcomes import metric_rows, population_lines, print_outcomes

REPORT = {
    "bundle": {"candidate": "hybrid"},
    "population": {"rows": 1200, "frauds": 30, "prevalence": 0.025},
    "coverage": {"rows": 2000, "waiting": 700, "blocked": 100},
    "metrics": {
        "ece": {"value": None, "low": None, "high": None},
        "average_precision": {"value": 0.25, "low": 0.2, "high": 0.31},
        "another": {"value": 1.0, "low": 1.0, "high": 1.0},
    },
    "warnings": ["[few] frauds"],
}


def printed(*, terminal):
    stream = io.StringIO()
    print_outcomes(
        REPORT, "rows.report.json", Console(file=stream, force_terminal=terminal, width=100, color_system=None)
    )
    return stream.getvalue()


def test_what_was_judged_is_told_with_what_was_not():
    assert population_lines(REPORT) == [
        "hybrid on 1,200 known outcomes of 2,000 rows (700 waiting, 100 blocked)",
        "30 frauds, prevalence 2.50 %",
    ]


def test_metrics_stand_in_the_order_of_their_titles_and_missing_ones_are_none():
    assert metric_rows(REPORT["metrics"]) == [
        ("average precision", "0.2500", "0.2000 to 0.3100"),
        ("ECE", "none", "none to none"),
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_terminal_and_file_get_the_same_numbers(terminal):
    text = printed(terminal=terminal)
    for part in ("hybrid on 1,200", "average precision", "0.2000 to 0.3100", "! [few] frauds", "rows.report.json"):
        assert part in text


def test_only_a_terminal_gets_a_table():
    assert "95 % interval" in printed(terminal=True)
    assert "95 % interval" not in printed(terminal=False)
