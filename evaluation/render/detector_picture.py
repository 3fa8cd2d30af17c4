"""Frauds by day of event against what the champion had promised: where the detector of change looks."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evaluation.render.style import BLUE, MUTED, RUST, Picture, drawn, nan_for_none


def detector_picture(report: Mapping[str, Any]) -> dict[str, Picture]:
    """The picture `detector`; none where no champion was watched."""
    section = report.get("drift", {}).get("detector", {})
    if not section.get("daily"):
        return {}

    def draw(figure: Figure) -> None:
        days, axes = section["daily"], figure.subplots()
        places = range(len(days))
        axes.plot(places, nan_for_none(day["expected"] for day in days), color=BLUE, label="promised")
        observed = nan_for_none(day["observed"] for day in days)
        axes.plot(places, observed, "o", markersize=3.2, color=RUST, label="happened, late labels accounted for")
        axes.set_xlim(-0.5, len(days) - 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(lambda place, _: days[int(place)]["day"][5:] if place in places else "")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("frauds a day")
        axes.grid(visible=True, axis="y")
        since = section["statistics"]["observed_expected"]["since"] if section["rings"] else None
        if since is not None:
            axes.axvline([day["day"] for day in days].index(since) - 0.5, color=MUTED, linewidth=0.8)
        figure.legend(loc="outside upper left", ncols=2, handlelength=1.4, columnspacing=1.2)

    text = "frauds by day of event against what the champion had promised; a line where a change began, if any."
    return {"detector": drawn("detector", "Champion's promises by day", text, draw, height=2.6)}
