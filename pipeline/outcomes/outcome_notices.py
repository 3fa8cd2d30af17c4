"""A verdict on outcomes as fields of a record, and as a notice where it is an alarm."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.notices.notice import Notice


def verdict_fields(report: Mapping[str, Any], places: Sequence[str]) -> dict[str, Any]:
    """What a machine reads of a judgement.

    Args:
        report: what `outcomes_judgement` returned.
        places: of the JSON and of the page.
    """
    found = report["monitoring"]
    refused = [check for check in found["checks"] if check["status"] == "refused"]
    return {
        "passed": found["passed"],
        "verdict": "passed" if found["passed"] else "alarm",
        "reasons": list(found["reasons"]),
        "remedies": [check["remedy"] for check in refused],
        "metrics": {
            **{name: record["value"] for name, record in report["metrics"].items() if isinstance(record, Mapping)},
            **{f"{name}_expected": found["numbers"][name]["expected"] for name in ("log_loss", "average_precision")},
            **{name: found["numbers"][name] for name in ("known_share", "largest_stability", "drifted")},
            "rows": report["population"]["rows"],
            "frauds": report["population"]["frauds"],
        },
        "report": places[0],
        "page": places[1],
        "outcomes": report["outcomes"]["file"],
        "candidate": report["bundle"]["candidate"],
        "manifest": report["bundle"]["manifest"],
    }


def alarm_notice(fields: Mapping[str, Any]) -> Notice:
    """The notice of a verdict's fields."""
    return Notice("monitoring_alarm", {name: value for name, value in fields.items() if name != "passed"})
