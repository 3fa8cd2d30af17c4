"""Savings against review capacity: how much of the loss more alerts a day would save."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from evaluation.render.style import BLUE, MUTED, RUST, Picture, drawn, nan_for_none


def capacity_picture(report: Mapping[str, Any]) -> dict[str, Picture]:
    """The figure `capacity`; none where the report has no money.

    Args:
        report: what `build_report` returned, or the same read back from JSON.
    """
    money = report.get("money")
    if not money:
        return {}
    curve, ships = money["curve"], next(point for point in money["points"] if point["ships"])
    days = nan_for_none(row["alerts_a_day"]["value"] for row in curve)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        bounds = [nan_for_none(row["savings"][key] for row in curve) for key in ("value", "low", "high")]
        axes.fill_between(
            days, [100 * v for v in bounds[1]], [100 * v for v in bounds[2]], color=BLUE, alpha=0.18, lw=0
        )
        axes.plot(days, [100 * v for v in bounds[0]], color=BLUE)
        axes.plot(ships["alerts_a_day"]["value"], 100 * ships["savings"]["value"], "o", color=RUST, label="ships")
        axes.axhline(0, color=MUTED, lw=0.6)
        axes.set_xscale("log")
        axes.set_xlabel("alerts a day")
        axes.set_ylabel("share of the loss saved, %")
        axes.legend(loc="lower right")

    text = "Share of the loss that is saved by alerts a day, with 95 % intervals; the point that ships is marked"
    return {"capacity": drawn("capacity", "Savings against review capacity", text, draw, height=2.9)}
