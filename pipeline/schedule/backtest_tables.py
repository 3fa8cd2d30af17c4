"""A backtest as text: tables for a terminal, and CSV."""

from collections.abc import Mapping
from typing import Any

from pipeline.storage.csv_text import csv_rows

MODELS = ("retrained", "never retrained", "baseline")
STATISTICS = ("average_precision", "brier_skill", "ece", "observed_expected")
OF_A_WEEK = ("average_precision", "brier_skill", "observed_expected")
OF_A_DATE = ("as_of", "rows", "frauds", "prevalence", "settings", "smoothing", "class_weight", "promoted")


def table_lines(result: Mapping[str, Any]) -> list[str]:
    """A line a date: each statistic for the retrained model, the first one and the baseline."""
    head = f"{'as of':<12}{'frauds':>7}  {'setting':<22}{'gate':<9}" + "".join(
        f"{title:>21}" for title in ("average precision", "Brier skill", "ECE", "observed/expected")
    )
    lines = [head, f"{'':<50}" + f"{'new first base':>21}" * len(STATISTICS)]
    for line in result["dates"]:
        setting = f"ε = {line['smoothing']:g}, {line['class_weight']}"
        gate = "promoted" if line["promoted"] else "refused"
        text = f"{line['as_of'][:10]:<12}{line['frauds']:>7,}  {setting:<22}{gate:<9}"
        for statistic in STATISTICS:
            values = (line["models"][model][statistic] for model in MODELS)
            text += f"{' '.join(_number(value) for value in values):>21}"
        lines.append(text)
    return lines


def drift_lines(result: Mapping[str, Any]) -> list[str]:
    """What each date's report said of drift and of the setting in use, a line a date."""
    return [
        f"{line['as_of'][:10]:<12}{line['settings']:>3} settings tried. {line['drift']}" for line in result["dates"]
    ]


def ageing_lines(result: Mapping[str, Any]) -> list[str]:
    """Average precision by the weeks since a model's newest training row, and what it lacks of the youngest model's."""
    lines = [f"{'newest training row':<21}{'model':<18}{'frauds':>8}{'average precision':>19}{'lost':>8}"]
    for row in sorted(result["ageing"], key=lambda each: (each["age_weeks"], MODELS.index(each["model"]))):
        age = f"{row['age_weeks']} to {row['age_weeks'] + 1} weeks old"
        found = f"{_number(row['average_precision']):>19}{_number(row['shortfall']):>8}"
        lines.append(f"{age:<21}{row['model']:<18}{row['frauds']:>8,}{found}")
    return lines


def week_lines(result: Mapping[str, Any]) -> list[str]:
    """The week after each date, a line a date: what would have been in production, by how it came there."""
    weeks = [line["week_after"] for line in result["dates"] if line["week_after"] is not None]
    if not weeks:
        return []
    titles = ("average precision", "Brier skill", "observed/expected")
    head = f"{'week after':<12}{'frauds':>7}  {'ships':<8}" + "".join(f"{title:>21}" for title in titles)
    lines = [head, f"{'':<29}" + f"{'never judged refit':>21}" * len(titles)]
    for week in weeks:
        cells = _cells(week["models"], OF_A_WEEK)
        lines.append(f"{week['from'][:10]:<12}{week['frauds']:>7,}  {week['ships']:<8}{cells}")
    means = ("average_precision", "brier_skill", "log_observed_expected")
    return [*lines, f"{'mean':<12}{'':>7}  {'|ln O/E|':<8}{_cells(result['means'], means)}"]


def weeks_csv(result: Mapping[str, Any]) -> str:
    """A row a week after a date and model."""
    rows: list[list[object]] = [["from", "to", "rows", "frauds", "ships", "model", *STATISTICS, "log_loss"]]
    for week in (line["week_after"] for line in result["dates"] if line["week_after"] is not None):
        head = [week[column] for column in ("from", "to", "rows", "frauds", "ships")]
        for model, statistics in week["models"].items():
            rows.append([*head, model, *(statistics[name] for name in (*STATISTICS, "log_loss"))])
    return csv_rows(rows)


def _cells(models: Mapping[str, Mapping[str, float]], names: tuple[str, ...]) -> str:
    return "".join(f"{' '.join(_number(each[name]) for each in models.values()):>21}" for name in names)


def csv_text(result: Mapping[str, Any]) -> str:
    """A row a date and model."""
    rows: list[list[object]] = [[*OF_A_DATE, "drift_alarms", "model", *STATISTICS, "training_row_age_days"]]
    for line in result["dates"]:
        head = [*(line[column] for column in OF_A_DATE), len(line["alarms"])]
        for model, statistics in line["models"].items():
            rows.append([*head, model, *(statistics[name] for name in (*STATISTICS, "training_row_age_days"))])
    return csv_rows(rows)


def _number(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else "–"
