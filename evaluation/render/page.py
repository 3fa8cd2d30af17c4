"""The report as one HTML page that needs nothing else: no script, no outside request, no clock."""

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evaluation.formatting import METRICS, NAMES, count, number, percent, show, signed
from evaluation.render.foreign_text import html_value

MARKS = {"met": "✓", "open": "≈", "warned": "!", "refused": "✕", "absent": "–"}
"""A check's standing as a sign."""


def report_html(report: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        report: what `build_report` returned, or the same read back from JSON.
        figures: figure name to inline SVG, as in `figures.pictures`; absent ones are left out.
    """
    page = (
        page_environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            figures={name: Markup(svg) for name, svg in figures.items()},  # noqa: S704 - our own figures, no user text
            shipped=report["shipped"],
            names=_ordered(report),
            pairs=list(dict.fromkeys((d["candidate"], d["other"]) for d in report["differences"])),
            configuration=_configuration(report["configuration"]),
        )
    )
    return page + "\n"


def page_environment() -> Environment:
    """What every page is made with: templates of this folder, and how numbers are written."""
    environment = Environment(
        loader=PackageLoader("evaluation.render", "templates"),
        autoescape=True,
        finalize=html_value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "count": count,
        "signed": signed,
        "show": show,
        "plain": plain,
    }
    environment.globals |= {"span": span, "NAMES": NAMES, "METRICS": METRICS, "MARKS": MARKS}
    return environment


def span(statistic: Mapping[str, Any], *, low: float, high: float, mark: float | None = None) -> Markup:
    """An interval as a small bar on the axis [low, high]; empty where it is undefined.

    Args:
        statistic: value, low and high.
        low: left end of the axis.
        high: right end.
        mark: where a reference line stands, such as 0 or 1.
    """

    def at(value: float) -> float:
        return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 2) if high > low else 50.0

    if statistic.get("low") is None or statistic.get("value") is None:
        return Markup("")
    line = "" if mark is None else f'<i class="ref" style="left:{at(mark)}%"></i>'
    left, right = at(statistic["low"]), at(statistic["high"])
    bar = f'<i class="bar" style="left:{left}%;width:{round(max(right - left, 0.5), 2)}%"></i>'
    dot = f'<i class="dot" style="left:{at(statistic["value"])}%"></i>'
    return Markup(f'<span class="span" aria-hidden="true">{line}{bar}{dot}</span>')  # noqa: S704 - numbers only


def plain(value: Any) -> str:
    """A value of any kind as a person writes it: no braces, quotes or digits that nobody reads.

    >>> plain({"numeric": 55, "torch": 0.018139650455203}), plain([1.0, 0.896606298])
    ('numeric 55, torch 0.01814', '1, 0.8966')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')} {plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(each) for each in value)
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _ordered(report: Mapping[str, Any]) -> list[str]:
    """Candidates as shown: the shipped one first, the rest from complicated to plain."""
    known = [name for name in NAMES if name in report["candidates"]]
    names = known + sorted(set(report["candidates"]) - set(known))
    return sorted(names, key=lambda name: name != report["shipped"])


def _configuration(configuration: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections of key and value as TOML people would write them."""
    result = []
    for section, keys in configuration.items():
        pairs = keys.items() if isinstance(keys, Mapping) else [("", keys)]
        result.append((section, [(str(key), json.dumps(value, ensure_ascii=False)) for key, value in pairs]))
    return result
