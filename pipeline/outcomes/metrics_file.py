"""The numbers of a judgement on outcomes as a file in Prometheus' text form, for a collector of such files."""

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.storage.atomic import write_text

HELP = {
    "passed": "Whether the deployed model still is what was shipped: 1, or 0 where a limit is broken.",
    "alarms": "Limits that are broken.",
    "time_seconds": "When outcomes were last judged, seconds since 1970.",
    "rows": "Rows in the judged files.",
    "frauds": "Frauds among the rows whose outcome is known.",
    "known_share": "Share of the rows let through whose outcome is known.",
    "observed_expected": "Frauds that happened over frauds promised.",
    "log_loss": "Log loss on the known outcomes.",
    "log_loss_expected": "Log loss that was to be expected on the same rows.",
    "average_precision": "Average precision at the fraud rate of test.",
    "average_precision_expected": "Average precision on test.",
    "stability_index_max": "Largest population stability index of a column or the score against test.",
    "drifted_columns": "Columns that drifted from test.",
}
"""Every metric after its `harbor_outcomes_`, and what it says."""


def write_metrics(place: Path, report: Mapping[str, Any], *, now: float | None = None) -> None:
    """Write the file as a whole, so that a collector never reads half of it.

    Args:
        place: the file; its folder is made.
        report: what `outcomes_judgement` returned.
        now: seconds since 1970; None for the clock.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text(place, metrics_text(report, now=time.time() if now is None else now))


def metrics_text(report: Mapping[str, Any], *, now: float) -> str:
    """The file's content: every number that is defined, with its bounds where it has some.

    Args:
        report: what `outcomes_judgement` returned.
        now: seconds since 1970.
    """
    bundle = report["bundle"]
    labels = {"candidate": bundle["candidate"], "bundle": bundle["manifest"][:12]}
    lines: list[str] = []
    for name, value, bound in _values(report, now):
        if not any(f" harbor_outcomes_{name} " in line for line in lines if line.startswith("# TYPE")):
            lines += [f"# HELP harbor_outcomes_{name} {HELP[name]}", f"# TYPE harbor_outcomes_{name} gauge"]
        own = {**labels, "bound": bound} if bound else labels
        told = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in own.items())
        lines.append(f"harbor_outcomes_{name}{{{told}}} {value!r}")
    return "\n".join(lines) + "\n"


def _values(report: Mapping[str, Any], now: float) -> Iterator[tuple[str, float, str]]:
    """Name, value and which bound it is ("" for the value itself), those of a name one after the other."""
    found = report["monitoring"]
    numbers = found["numbers"]
    single = {
        "passed": float(found["passed"]),
        "alarms": len(found["reasons"]),
        "time_seconds": now,
        "rows": report["coverage"]["rows"],
        "frauds": report["population"]["frauds"],
        "known_share": numbers["known_share"],
        "log_loss_expected": numbers["log_loss"]["expected"],
        "average_precision_expected": numbers["average_precision"]["expected"],
        "stability_index_max": numbers["largest_stability"],
        "drifted_columns": numbers["drifted"],
    }
    three = {
        (name, "" if key == "value" else key): numbers[name][key]
        for name in ("observed_expected", "log_loss", "average_precision")
        for key in ("value", "low", "high")
    }
    for (name, bound), value in ({(name, ""): value for name, value in single.items()} | three).items():
        if value is not None and math.isfinite(value):
            yield name, float(value), bound


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
