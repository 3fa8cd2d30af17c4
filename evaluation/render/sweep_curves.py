"""Curves of the sweep: a measure against smoothing, a line a class weight."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from evaluation.render.style import Picture, drawn, line_colours, nan_for_none

SWEEP = {
    "log_loss_affine": ("log loss", False),
    "roc_auc": ("ROC AUC", False),
    "ece": ("ECE", True),
    "brier": ("Brier score", True),
    "precision_at_half": ("precision at 0.5", False),
    "share_negatives_above_095": ("share above 0.95", False),
}
"""Curves of the sweep: label and whether the axis is logarithmic."""
Lines = dict[tuple[str, str], list[Mapping[str, Any]]]
"""Rows of the sweep by (class weight, weighting), ε ascending."""


def sweep_pictures(report: Mapping[str, Any]) -> dict[str, Picture]:
    """A curve per class weight against ε, one picture per statistic of the sweep."""
    sweep = report["smoothing"]["sweep"]
    lines: Lines = {}
    for row in sorted(sweep, key=lambda r: (r["weighting"] == "column", _weight_order(r), r["smoothing"])):
        lines.setdefault((row["class_weight"], row["weighting"]), []).append(row)
    return {
        f"sweep-{metric}": _sweep(metric, label, lines, logarithmic=logarithmic)
        for metric, (label, logarithmic) in SWEEP.items()
    }


def _sweep(metric: str, label: str, lines: Lines, *, logarithmic: bool) -> Picture:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for ((weight, weighting), rows), colour in zip(lines.items(), line_colours(len(lines)), strict=True):
            x, name = [row["smoothing"] for row in rows], weight if weighting == "example" else f"{weight}, {weighting}"
            for values, style, face in _stages(rows, metric, colour):
                shown = name if style == "-" else None
                axes.plot(x, values, style, color=colour, markerfacecolor=face, marker="o", markersize=3.6, label=shown)
        axes.set_xlabel("ε, smoothing")
        axes.set_ylabel(label)
        axes.grid(visible=True, axis="y")
        if logarithmic:
            _log_ticks(axes)
        axes.xaxis.set_major_locator(FixedLocator(sorted({r["smoothing"] for rows in lines.values() for r in rows})))
        figure.legend(loc="outside upper left", ncols=2, handlelength=1.4, columnspacing=1.2)

    text = f"{label} on valid against ε, a line per class weight; dashed as trained, solid after the inverse."
    return drawn(f"sweep-{metric}", f"{label} against ε", text, draw, height=3.2)


def _stages(rows: Sequence[Mapping[str, Any]], metric: str, colour: str) -> list[tuple[list[float], str, str]]:
    """Values, line style and marker face: as trained and after the inverse, or the one line of a statistic of both."""
    if metric in rows[0]:
        return [(nan_for_none(row[metric] for row in rows), "-", colour)]
    return [
        (nan_for_none(row["raw"][metric] for row in rows), "--", "none"),
        (nan_for_none(row["inverted"][metric] for row in rows), "-", colour),
    ]


def _weight_order(row: Mapping[str, Any]) -> int:
    order = ("none", "sqrt", "balanced")
    return order.index(row["class_weight"]) if row["class_weight"] in order else len(order)


def _log_ticks(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 200 else (1.0,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
