"""How a picture looks: colours, sizes and the cycle of lines, and a figure as SVG for a page."""

import io
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

from evaluation.render.foreign_text import visible_text

INK, MUTED, GRID = "#1d2126", "#6a7078", "#dfe2e6"
BLUE, RUST, TEAL, OCHRE = "#2b5f93", "#c4552b", "#2a8577", "#a9780f"
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "line", BLUE: "blue", RUST: "rust", TEAL: "teal", OCHRE: "ochre"}
"""Each colour in a figure stands for a CSS variable of the page; the hexadecimal value is what PNG shows."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
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
UNDATED: dict[Any, Any] = {"Date": None, "Creator": None, "Format": None, "Type": None}
"""What matplotlib would write into an SVG of its own: the same numbers must give the same bytes."""
TITLE_HEIGHT = 0.3
"""Inches above a PNG for its title; a page has it in its own type."""
NARROW = 4.1
"""Width of a figure in inches: two stand side by side on a page."""


@dataclass(frozen=True)
class Picture:
    """One figure: its title and description in words, PNG bytes and SVG text for inlining."""

    title: str
    text: str
    png: bytes
    svg: str


def nan_for_none(values: Iterable[float | None]) -> list[float]:
    """Numbers of a report as matplotlib wants them: a missing one is not drawn.

    >>> nan_for_none([0.5, None])
    [0.5, nan]
    """
    return [float("nan") if value is None else value for value in values]


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
    png, svg = io.BytesIO(), io.StringIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that the font lacks is still a name
        figure = Figure(figsize=(width, height))
        draw(figure)
        _make_texts_visible(figure)
        FigureCanvasSVG(figure)
        _lay_out(figure)
        figure.savefig(svg, format="svg", transparent=True, metadata=UNDATED)
        FigureCanvasAgg(figure)
        _put_title_above(figure, visible_text(title))
        figure.savefig(png, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return Picture(title, text, png.getvalue(), inline_svg(svg.getvalue(), name=name, title=text))


def _make_texts_visible(figure: Figure) -> None:
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text("\n".join(map(visible_text, text.get_text().split("\n"))))


def _lay_out(figure: Figure) -> None:
    """Find room for everything once: a figure that still has to be laid out is drawn twice by every save."""
    figure.set_layout_engine("constrained")
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    figure.set_layout_engine(None)


def _put_title_above(figure: Figure, title: str) -> None:
    """Make the figure taller by a line for its title; what is laid out stays as it is below."""
    width, height = figure.get_size_inches()
    share = height / (height + TITLE_HEIGHT)
    for axes in figure.axes:
        place = axes.get_position(original=True)
        axes.set_position((place.x0, place.y0 * share, place.width, place.height * share))
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0.0, 0.0, 1.0, share), transform=figure.transFigure)
    figure.set_size_inches(width, height + TITLE_HEIGHT)
    figure.text(0.5, 1.0 - 0.3 * (1.0 - share), title, fontsize=10.0, ha="center", va="top")


def inline_svg(svg: str, *, name: str, title: str) -> str:
    """A matplotlib SVG fit for a page: no prolog, no fixed size, unique ids, the page's colours and font.

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
    opening = f'<svg {viewbox[0] if viewbox else ""} role="img"><title>{escape(visible_text(title))}</title>'
    body = re.sub(r"<svg[^>]*>", lambda _: opening, body, count=1)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font-family: [^;\"]*;?\s*", "", body)
    body = re.sub(r"(font: [0-9.]+px) [^;\"]*", lambda m: m[1].replace("font:", "font-size:"), body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    return body.strip()
