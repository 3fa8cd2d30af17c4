"""The week after each past date as a picture: never retrained, the judged model, and what would have shipped."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from evaluation.render.style import MUTED, NARROW, Picture, drawn, line_colours, nan_for_none

PANELS = {
    "average_precision": "average precision",
    "brier_skill": "Brier skill",
    "observed_expected": "observed / expected",
}
"""A panel for each: statistic and its label."""


def week_after_picture(backtest: Mapping[str, Any]) -> Picture:
    """Each statistic of the week after each date, by what would have been in production.

    Args:
        backtest: `dates`, a record a date with `week_after` (from, ships, models: statistics by name) or null.
    """
    weeks = [line["week_after"] for line in backtest["dates"] if line["week_after"] is not None]
    models = list(weeks[0]["models"])

    def draw(figure: Figure) -> None:
        panels = list(figure.subplots(len(PANELS), 1))
        for axes, (statistic, label) in zip(panels, PANELS.items(), strict=True):
            if statistic == "observed_expected":
                axes.axhline(1.0, color=MUTED, linewidth=0.8, dashes=(4, 3))
            for model, colour in zip(models, line_colours(len(models)), strict=True):
                values = nan_for_none(week["models"][model][statistic] for week in weeks)
                axes.plot(range(len(weeks)), values, "o-", color=colour, markersize=3.4, label=model)
            axes.set_ylabel(label)
            axes.grid(visible=True, axis="y")
            axes.xaxis.set_major_locator(FixedLocator(range(len(weeks))))
            axes.set_xticklabels([])
            for place in (i for i, week in enumerate(weeks) if week["ships"] == "judged"):
                axes.axvspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.13, linewidth=0)
        panels[-1].set_xticklabels([week["from"][5:10] for week in weeks], rotation=45 if len(weeks) > 6 else 0)
        panels[-1].set_xlabel("week after; shaded: the judged model ships")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(models))

    text = "Average precision, Brier skill and observed over expected frauds in the week after each date, by model."
    height, width = 1.2 + 1.6 * len(PANELS), max(NARROW, 1.2 + 0.5 * len(weeks))
    return drawn("weeks-after", "The week after each past date", text, draw, height=height, width=width)
