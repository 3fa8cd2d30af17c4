"""A judgement on outcomes as one HTML page that needs nothing else."""

from collections.abc import Mapping
from typing import Any

from evaluation.formatting import candidate_name
from evaluation.render.page import MARKS, page_environment


def monitoring_html(report: Mapping[str, Any]) -> str:
    """The whole page: the verdict and why, the numbers, files, inputs and segments.

    Args:
        report: what `outcomes_report` returned, with `monitoring`, `bundle` and `outcomes` beside it.
    """
    page = page_environment().get_template("monitoring.html.jinja")
    return page.render(report=report, name=candidate_name(report["bundle"]["candidate"]), marks=MARKS) + "\n"
