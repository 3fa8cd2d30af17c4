"""Reliability diagrams: observed against expected, with the rows below."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from evaluation.render.style import MUTED, OCHRE, RUST, TEAL, Picture, drawn

FLOOR = 1e-4


def smoothing_pictures(report: Mapping[str, Any]) -> dict[str, Picture]:
    """The head without smoothing and with the best of it in one diagram, as trained and calibrated."""
    made = {}
    for stage, words in (("before", "as trained"), ("after", "calibrated")):
        if stage in report["reliability"]["smoothing"]:
            tables = report["reliability"]["smoothing"][stage]
            name = f"reliability-smoothing-{stage}"
            series = {
                f"ε = {table['smoothing']:g}": (table, color)
                for table, color in zip(tables, (OCHRE, TEAL), strict=True)
            }
            made[name] = reliability_picture(
                name, f"Head on test, {words}", series, report["reliability"]["histogram_edges"]
            )
    return made


def reliability_picture(
    name: str, title: str, series: Mapping[str, tuple[Mapping[str, Any], str]], edges: Sequence[float]
) -> Picture:
    """Observed fraud rate against promised probability, a series per table, with the rows below."""

    def draw(figure: Figure) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3.6, 1.0])
        top.plot([FLOOR, 1], [FLOOR, 1], color=MUTED, linewidth=0.8, dashes=(4, 3))
        for i, (label, (table, colour)) in enumerate(series.items()):
            _bins(top, table["equal_positives"], colour, label, hollow=i == 0 and len(series) > 1)
        _probability_axis(top, "x")
        _probability_axis(top, "y")
        top.set_ylabel("observed fraud rate")
        top.legend(loc="upper left", handlelength=1.2, borderaxespad=0.2)
        _score_counts(bottom, list(series.values())[-1][0]["histogram"], edges)
        bottom.set_xlabel("promised probability")
        figure.align_ylabels([top, bottom])

    words = ", ".join(series)
    text = f"Reliability diagram ({words}): observed fraud rate against promised probability, both on log axes."
    return drawn(name, title, text, draw, height=4.4)


def _bins(axes: Axes, table: Sequence[Mapping[str, float]], colour: str, label: str, *, hollow: bool) -> None:
    x = np.clip([row["expected"] for row in table], FLOOR, 1.0)
    y = np.clip([row["observed"] for row in table], FLOOR, 1.0)
    low = np.clip([row["low"] for row in table], FLOOR, 1.0)
    high = np.clip([row["high"] for row in table], FLOOR, 1.0)
    axes.vlines(x, low, high, color=colour, linewidth=1.0, alpha=0.55)
    face = "none" if hollow else colour
    axes.plot(x, y, color=colour, linewidth=0.8, alpha=0.7)
    axes.plot(x, y, "o", markersize=4.2, markerfacecolor=face, markeredgecolor=colour, label=label)


def _score_counts(axes: Axes, histogram: Mapping[str, Sequence[int]], edges: Sequence[float]) -> None:
    for key, colour, fill in (("legitimate", MUTED, 0.28), ("frauds", RUST, 0.85)):
        counts = np.maximum(np.asarray(histogram[key], dtype=np.float64), 0.5)
        axes.stairs(counts, edges, baseline=0.5, fill=True, color=colour, alpha=fill, linewidth=0)
    axes.set_yscale("log")
    axes.set_ylim(0.5, None)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator([1, 100, 10_000, 1_000_000]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}" if v < 1000 else f"{v / 1000:,.0f}k"))
    axes.set_ylabel("rows")


def _probability_axis(axes: Axes, which: str) -> None:
    ticks = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(FLOOR * 0.85, 1.18)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g} %"))
    axes.grid(visible=True)
