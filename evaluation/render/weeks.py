"""A measure by week of the test fold."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from evaluation.render.style import BLUE, MUTED, Picture, drawn


def weeks_picture(report: Mapping[str, Any]) -> dict[str, Picture]:
    """Observed over expected frauds by week of test; nothing where there are fewer than two weeks."""
    slices = report["slices"].get(report["shipped"], [])
    weeks = [row for row in slices if row["kind"] == "week" and row.get("observed_expected", {}).get("value")]
    if len(weeks) < 2:
        return {}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(1.0, color=MUTED, linewidth=0.8, dashes=(4, 3))
        for i, row in enumerate(weeks):
            ratio = row["observed_expected"]
            if ratio["low"] is not None:
                axes.vlines(i, ratio["low"], ratio["high"], color=BLUE, linewidth=1.2, alpha=0.55)
            axes.plot([i], [ratio["value"]], "o", color=BLUE, markersize=4.2)
        axes.xaxis.set_major_locator(FixedLocator(range(len(weeks))))
        axes.set_xticklabels([row["population"][5:] for row in weeks])
        axes.set_xlim(-0.6, len(weeks) - 0.4)
        axes.set_xlabel("week from")
        axes.set_ylabel("observed / expected")
        axes.grid(visible=True, axis="y")

    text = "Observed over expected frauds per week of test, with intervals; 1 is right."
    return {"weeks": drawn("weeks", "Frauds observed over expected, by week", text, draw, height=3.2)}
