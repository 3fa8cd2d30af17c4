"""Figures of a report, as PNG for the record and as SVG that takes its colours from the page.

Figures are made from the report's own numbers alone and carry no date, so equal reports give equal bytes. Only Figure
objects are used, never pyplot, so nothing global is touched beyond one `rc_context`.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from evaluation.wording import NAMES

INK, MUTED, GRID = "#1d2126", "#6a7078", "#dfe2e6"
BLUE, RUST, TEAL, OCHRE = "#2b5f93", "#c4552b", "#2a8577", "#a9780f"
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "line", BLUE: "blue", RUST: "rust", TEAL: "teal", OCHRE: "ochre"}
"""Each colour in a figure stands for a CSS variable of the page; the hexadecimal value is what PNG shows."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "harbor",
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "path.simplify": False,
}
FLOOR = 1e-4
NARROW = 4.1
"""Width of a figure in inches: two stand side by side on a page."""
SWEEP = {
    "log_loss_affine": ("log loss", False),
    "roc_auc": ("ROC AUC", False),
    "ece": ("ECE", True),
    "brier": ("Brier score", True),
    "precision_at_half": ("precision at 0.5", False),
    "share_negatives_above_095": ("share above 0.95", False),
}
"""Curves of the sweep: label and whether the axis is logarithmic."""
WALKED = {
    "average_precision": "average precision",
    "brier_skill": "Brier skill",
    "ece": "ECE",
    "observed_expected": "observed / expected",
}
"""Panels of a walk through past dates."""
Lines = dict[tuple[str, str], list[Mapping[str, Any]]]
"""Rows of the sweep by (class weight, weighting), ε ascending."""


@dataclass(frozen=True)
class Picture:
    """One figure: its title and description in words, PNG bytes and SVG text for inlining."""

    title: str
    text: str
    png: bytes
    svg: str


def pictures(report: Mapping[str, Any]) -> dict[str, Picture]:
    """Every figure the report's numbers allow, by file name without ending.

    Names: `reliability-NAME` per candidate on test, `reliability-valid-unsmoothed`, `reliability-smoothing`,
    `sweep-METRIC`, `weeks`.
    """
    made: dict[str, Picture] = {}
    section = report["reliability"]
    if section["valid_unsmoothed"] is not None:
        made["reliability-valid-unsmoothed"] = unsmoothed_picture(section["valid_unsmoothed"])
    for name, tables in section["test"].items():
        series = {"before": (tables["before"], RUST)} if "before" in tables else {}
        series["after"] = (tables["after"], BLUE)
        title = f"{NAMES.get(name, name)} on test"
        made[f"reliability-{name}"] = reliability_picture(
            f"reliability-{name}", title, series, section["histogram_edges"]
        )
    made |= smoothing_pictures(report) | sweep_pictures(report) | weeks_picture(report)
    return made


def unsmoothed_picture(section: Mapping[str, Any]) -> Picture:
    """Reliability of ε = 0 on valid as trained, from what `unsmoothed_section` returned."""
    return reliability_picture(
        "reliability-valid-unsmoothed",
        "ε = 0 on valid, before the sweep",
        {"as trained": (section, RUST)},
        section["histogram_edges"],
    )


def smoothing_pictures(report: Mapping[str, Any]) -> dict[str, Picture]:
    """The head with and without smoothing in one diagram, as trained and calibrated."""
    test, made = report["reliability"]["test"], {}
    if not {"mlp", "mlp_unsmoothed"} <= set(test):
        return {}
    other = report["smoothing"]["smoothed"] or report["smoothing"]["selected"]
    for stage, words in (("before", "as trained"), ("after", "calibrated")):
        if stage in test["mlp"] and stage in test["mlp_unsmoothed"]:
            name = f"reliability-smoothing-{stage}"
            series = {
                "ε = 0": (test["mlp_unsmoothed"][stage], OCHRE),
                f"ε = {other['smoothing']:g}": (test["mlp"][stage], TEAL),
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


def nan_for_none(values: Iterable[float | None]) -> list[float]:
    """Numbers of a report as matplotlib wants them: a missing one is not drawn."""
    return [float("nan") if value is None else value for value in values]


def _weight_order(row: Mapping[str, Any]) -> int:
    order = ("none", "sqrt", "balanced")
    return order.index(row["class_weight"]) if row["class_weight"] in order else len(order)


def _log_ticks(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 200 else (1.0,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


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
            cell = row["observed_expected"]
            if cell["low"] is not None:
                axes.vlines(i, cell["low"], cell["high"], color=BLUE, linewidth=1.2, alpha=0.55)
            axes.plot([i], [cell["value"]], "o", color=BLUE, markersize=4.2)
        axes.xaxis.set_major_locator(FixedLocator(range(len(weeks))))
        axes.set_xticklabels([row["population"][5:] for row in weeks])
        axes.set_xlim(-0.6, len(weeks) - 0.4)
        axes.set_xlabel("week from")
        axes.set_ylabel("observed / expected")
        axes.grid(visible=True, axis="y")

    text = "Observed over expected frauds per week of test, with intervals; 1 is right."
    return {"weeks": drawn("weeks", "Frauds observed over expected, by week", text, draw, height=3.2)}


def walk_picture(walk: Mapping[str, Any]) -> Picture:
    """A walk through past dates: each statistic over time for every model, what was chosen, and how models age.

    Args:
        walk: `dates`, a record a date (as_of, promoted, smoothing, class_weight, alarms, models: statistics by name),
            and `ageing`, as `walk.ageing_table` makes it.
    """
    dates = walk["dates"]
    models = list(dates[0]["models"])

    def draw(figure: Figure) -> None:
        panels = list(figure.subplots(len(WALKED) + 2, 1, height_ratios=[*[1.0] * len(WALKED), 0.7, 1.1]))
        for axes, (statistic, label) in zip(panels, WALKED.items(), strict=False):
            if statistic == "observed_expected":
                axes.axhline(1.0, color=MUTED, linewidth=0.8, dashes=(4, 3))
            for model, colour in zip(models, line_colours(len(models)), strict=True):
                values = nan_for_none(line["models"][model][statistic] for line in dates)
                axes.plot(range(len(dates)), values, "o-", color=colour, markersize=3.4, label=model)
            axes.set_ylabel(label)
        _choices(panels[-2], dates)
        for axes in panels[:-1]:
            for place in (i for i, line in enumerate(dates) if line.get("alarms")):
                axes.axvspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.13, linewidth=0)
            axes.set_xlim(-0.5, len(dates) - 0.5)
            axes.grid(visible=True, axis="y")
            axes.xaxis.set_major_locator(FixedLocator(range(len(dates))))
            axes.set_xticklabels([])
        panels[-2].set_xticklabels([line["as_of"][5:10] for line in dates], rotation=45 if len(dates) > 6 else 0)
        panels[-2].set_xlabel("as of; filled: the gate would have promoted it; shaded: drift alarms")
        _ageing(panels[-1], walk["ageing"], models)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(models))

    text = "Average precision, Brier skill, ECE and observed over expected frauds at each past date, by model."
    height, width = 2.0 + 1.4 * (len(WALKED) + 2), max(NARROW, 1.2 + 0.5 * len(dates))
    return drawn("backtest", "Retraining at each past date", text, draw, height=height, width=width)


def _choices(axes: Axes, dates: Sequence[Mapping[str, Any]]) -> None:
    axes.plot(range(len(dates)), [line["smoothing"] for line in dates], color=MUTED, linewidth=0.8)
    for i, line in enumerate(dates):
        face = BLUE if line["promoted"] else "none"
        axes.plot([i], [line["smoothing"]], "o", markersize=4.6, markerfacecolor=face, markeredgecolor=BLUE)
        axes.annotate(
            line["class_weight"], (i, line["smoothing"]), (0, 6), textcoords="offset points", ha="center", size=7
        )
    axes.set_ylabel("chosen ε")
    axes.margins(y=0.45)


def _ageing(axes: Axes, rows: Sequence[Mapping[str, Any]], models: Sequence[str]) -> None:
    for model, colour in zip(models, line_colours(len(models)), strict=True):
        own = [row for row in rows if row["model"] == model and model != "baseline"]
        x, y = [row["age_weeks"] for row in own], nan_for_none(row["average_precision"] for row in own)
        axes.plot(x, y, "o-", color=colour, markersize=3.4)
    axes.set_xlabel("weeks since the newest training row")
    axes.set_ylabel("average precision")
    axes.grid(visible=True, axis="y")


def _probability_axis(axes: Axes, which: str) -> None:
    ticks = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(FLOOR * 0.85, 1.18)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g} %"))
    axes.grid(visible=True)


def line_colours(count: int) -> list[str]:
    """A colour for each of several lines."""
    colours = [BLUE, TEAL, OCHRE, RUST]
    return [colours[i % len(colours)] for i in range(count)]


def drawn(
    name: str, title: str, text: str, draw: Callable[[Figure], None], *, height: float, width: float = NARROW
) -> Picture:
    """A picture as PNG and as SVG, drawn once.

    Args:
        name: prefix of its ids, unique on the page.
        title: above the PNG, and what a screen reader says.
        text: its description.
        draw: fills the figure.
        height: inches.
        width: inches.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        png, svg = io.BytesIO(), io.StringIO()
        FigureCanvasSVG(figure)
        figure.savefig(
            svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=10.0)
        figure.savefig(png, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return Picture(title, text, png.getvalue(), inline_svg(svg.getvalue(), name=name, title=text))


def inline_svg(svg: str, *, name: str, title: str) -> str:
    """A matplotlib SVG made fit for a page: no prolog, no fixed size, unique ids, the page's colours and font.

    Args:
        svg: what matplotlib wrote.
        name: prefix of the ids, unique on the page.
        title: what a screen reader says.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>\s*", "", body)
    body = body.replace("xlink:href", "href")
    viewbox = re.search(r'viewBox="[^"]*"', body)
    opening = f'<svg {viewbox[0] if viewbox else ""} role="img"><title>{title}</title>'
    body = re.sub(r"<svg[^>]*>", lambda _: opening, body, count=1)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font-family: [^;\"]*;?\s*", "", body)
    body = re.sub(r"(font: [0-9.]+px) [^;\"]*", lambda m: m[1].replace("font:", "font-size:"), body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    return body.strip()
