"""Every picture of a report."""

from collections.abc import Mapping
from typing import Any

from evaluation.formatting import candidate_name
from evaluation.render.capacity_picture import capacity_picture
from evaluation.render.detector_picture import detector_picture
from evaluation.render.reliability_diagrams import reliability_picture, smoothing_pictures
from evaluation.render.style import BLUE, RUST, Picture
from evaluation.render.sweep_curves import sweep_pictures
from evaluation.render.weeks import weeks_picture


def pictures(report: Mapping[str, Any]) -> dict[str, Picture]:
    """Every figure the report's numbers allow, by file name without ending.

    Names: `reliability-NAME` per candidate on test, `reliability-valid-unsmoothed`, `reliability-smoothing-STAGE`,
    `sweep-METRIC`, `weeks`, and `detector` where a champion was watched.

    Args:
        report: what `build_report` returned, or the same read back from JSON.
    """
    made: dict[str, Picture] = {}
    section = report["reliability"]
    if section["valid_unsmoothed"] is not None:
        made["reliability-valid-unsmoothed"] = unsmoothed_picture(section["valid_unsmoothed"])
    for name, tables in section["test"].items():
        series = {"before": (tables["before"], RUST)} if "before" in tables else {}
        series["after"] = (tables["after"], BLUE)
        title = f"{candidate_name(name)} on test"
        made[f"reliability-{name}"] = reliability_picture(
            f"reliability-{name}", title, series, section["histogram_edges"]
        )
    made |= (
        capacity_picture(report)
        | smoothing_pictures(report)
        | sweep_pictures(report)
        | weeks_picture(report)
        | detector_picture(report)
    )
    return made


def unsmoothed_picture(section: Mapping[str, Any]) -> Picture:
    """Reliability of ε = 0 on valid as trained, from what `unsmoothed_section` returned."""
    return reliability_picture(
        "reliability-valid-unsmoothed",
        "ε = 0 on valid, without class weights",
        {"as trained": (section, RUST)},
        section["histogram_edges"],
    )
