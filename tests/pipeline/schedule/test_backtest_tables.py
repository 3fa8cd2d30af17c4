"""A backtest reads as columns that line up, and as CSV."""

import csv
import io

from pipeline.schedule.backtest_tables import (
    MODELS,
    STATISTICS,
    ageing_lines,
    csv_text,
    drift_lines,
    table_lines,
    week_lines,
    weeks_csv,
)


def line_of(day, *, precision):
    statistics = dict.fromkeys((*STATISTICS, "training_row_age_days"), 0.5) | {"average_precision": precision}
    return {
        "as_of": f"2024-05-{day:02d}T00:00:00Z", "rows": 9000, "frauds": 120, "prevalence": 0.013, "settings": 4,
        "smoothing": 0.05, "class_weight": "sqrt", "promoted": day == 1, "drift": "No drift.", "alarms": [],
        "models": dict.fromkeys(MODELS, statistics),
    }  # fmt: skip


def test_a_backtest_reads_as_columns_that_line_up_and_as_csv():
    ageing = [
        {"model": model, "age_weeks": week, "frauds": 40, "average_precision": 0.7, "shortfall": 0.01}
        for model in MODELS
        for week in (9, 10)
    ]
    result = {"dates": [line_of(1, precision=0.7), line_of(8, precision=None)], "ageing": ageing}
    first, second = table_lines(result)[2:]
    assert first.split()[2:10] == ["ε", "=", "0.05,", "sqrt", "promoted", "0.700", "0.700", "0.700"]
    assert second.index("refused") == first.index("promoted")
    assert len(first) == len(second)
    assert drift_lines(result)[1] == "2024-05-08    4 settings tried. No drift."
    lines = ageing_lines(result)
    assert [line[:20].rstrip() for line in lines[1:4]] == ["9 to 10 weeks old"] * 3
    assert len({len(line) for line in lines}) == 1
    rows = list(csv.DictReader(io.StringIO(csv_text(result))))
    assert [(row["model"], row["drift_alarms"]) for row in rows[:3]] == [(model, "0") for model in MODELS]


def test_weeks_after_read_as_columns_that_line_up_and_as_csv():
    arms = ("never retrained", "judged", "refit")
    statistics = dict.fromkeys((*STATISTICS, "log_loss"), 0.5)
    week = {"from": "2024-05-01T00:00:00Z", "to": "2024-05-08T00:00:00Z", "rows": 900, "frauds": 15, "ships": "refit"}
    means = dict.fromkeys(arms, statistics | {"log_observed_expected": 0.1})
    dates = [{"week_after": week | {"models": dict.fromkeys(arms, statistics)}}, {"week_after": None}]
    lines = week_lines({"dates": dates, "means": means})
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].endswith("0.100 0.100 0.100")
    rows = list(csv.DictReader(io.StringIO(weeks_csv({"dates": dates}))))
    assert [row["model"] for row in rows] == list(arms)
    assert week_lines({"dates": [{"week_after": None}], "means": {}}) == []
