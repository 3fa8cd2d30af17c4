"""A backtest as a picture: each date, retrained and not."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from evaluation.render.style import BLUE, MUTED, NARROW, Picture, drawn, line_colours, nan_for_none

PANELS = {
    "average_precision": "average precision",
    "brier_skill": "Brier skill",
    "ece": "ECE",
    "observed_expected": "observed / expected",
}
"""A panel for each: statistic and its label."""

Dates = Sequence[Mapping[str, Any]]


def backtest_picture(backtest: Mapping[str, Any]) -> Picture:
    """Each statistic over the past dates for every model, what was chosen, and how models age.

    Args:
        backtest: `dates`, a record a date (as_of, promoted, smoothing, class_weight, alarms, models: statistics by
            name), and `ageing`, as `model_age.ageing_table` makes it.
    """
    dates = backtest["dates"]
    models = list(dates[0]["models"])

    def draw(figure: Figure) -> None:
        panels = list(figure.subplots(len(PANELS) + 2, 1, height_ratios=[*[1.0] * len(PANELS), 0.7, 1.1]))
        for axes, (statistic, label) in zip(panels, PANELS.items(), strict=False):
            _statistic(axes, dates, models, statistic, label)
        _choices(panels[-2], dates)
        for axes in panels[:-1]:
            _date_axis(axes, dates)
        panels[-2].set_xticklabels([line["as_of"][5:10] for line in dates], rotation=45 if len(dates) > 6 else 0)
        panels[-2].set_xlabel("as of; filled: the gate would have promoted it; shaded: drift alarms")
        _ageing(panels[-1], backtest["ageing"], models)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(models))

    text = "Average precision, Brier skill, ECE and observed over expected frauds at each past date, by model."
    height, width = 2.0 + 1.4 * (len(PANELS) + 2), max(NARROW, 1.2 + 0.5 * len(dates))
    return drawn("backtest", "Retraining at each past date", text, draw, height=height, width=width)


def _statistic(axes: Axes, dates: Dates, models: Sequence[str], statistic: str, label: str) -> None:
    if statistic == "observed_expected":
        axes.axhline(1.0, color=MUTED, linewidth=0.8, dashes=(4, 3))
    for model, colour in zip(models, line_colours(len(models)), strict=True):
        values = nan_for_none(line["models"][model][statistic] for line in dates)
        axes.plot(range(len(dates)), values, "o-", color=colour, markersize=3.4, label=model)
    axes.set_ylabel(label)


def _choices(axes: Axes, dates: Dates) -> None:
    axes.plot(range(len(dates)), [line["smoothing"] for line in dates], color=MUTED, linewidth=0.8)
    for i, line in enumerate(dates):
        face = BLUE if line["promoted"] else "none"
        axes.plot([i], [line["smoothing"]], "o", markersize=4.6, markerfacecolor=face, markeredgecolor=BLUE)
        axes.annotate(
            line["class_weight"], (i, line["smoothing"]), (0, 6), textcoords="offset points", ha="center", size=7
        )
    axes.set_ylabel("chosen ε")
    axes.margins(y=0.45)


def _date_axis(axes: Axes, dates: Dates) -> None:
    for place in (i for i, line in enumerate(dates) if line.get("alarms")):
        axes.axvspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.13, linewidth=0)
    axes.set_xlim(-0.5, len(dates) - 0.5)
    axes.grid(visible=True, axis="y")
    axes.xaxis.set_major_locator(FixedLocator(range(len(dates))))
    axes.set_xticklabels([])


def _ageing(axes: Axes, rows: Sequence[Mapping[str, Any]], models: Sequence[str]) -> None:
    for model, colour in zip(models, line_colours(len(models)), strict=True):
        own = [row for row in rows if row["model"] == model and model != "baseline"]
        x, y = [row["age_weeks"] for row in own], nan_for_none(row["average_precision"] for row in own)
        axes.plot(x, y, "o-", color=colour, markersize=3.4)
    axes.set_xlabel("weeks since the newest training row")
    axes.set_ylabel("average precision")
    axes.grid(visible=True, axis="y")
