"""A backtest reads as columns that line up, and as CSV."""

import csv
import io

from pipeline.schedule.backtest_tables import MODELS, STATISTICS, ageing_lines, csv_text, drift_lines, table_lines


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
