"""A verdict becomes fields that a machine can read without the report."""

import json

from pipeline.outcomes.outcome_notices import alarm_notice, verdict_fields
from tests.pipeline.outcomes.test_metrics_file import REPORT

CHECKS = [{"status": "met", "remedy": ""}, {"status": "refused", "remedy": "look"}]
WHOLE = REPORT | {
    "monitoring": REPORT["monitoring"] | {"checks": CHECKS},
    "metrics": {"roc_auc": {"value": 0.9, "low": 0.8}, "ece_null_95": 0.1},
    "population": {"rows": 7, "frauds": 2},
    "outcomes": {"file": "may.csv"},
}


def test_verdict_reasons_metrics_and_places_are_fields():
    fields = verdict_fields(WHOLE, ("a.json", "a.html"))
    assert (fields["passed"], fields["verdict"], fields["reasons"], fields["remedies"]) == (
        False,
        "alarm",
        ["one"],
        ["look"],
    )
    assert fields["metrics"]["roc_auc"] == 0.9
    assert fields["metrics"]["log_loss_expected"] == 0.08
    assert (fields["report"], fields["page"]) == ("a.json", "a.html")


def test_the_notice_of_an_alarm_carries_them():
    body = json.loads(alarm_notice(verdict_fields(WHOLE, ("a.json", "a.html"))).body)
    assert (body["event"], body["verdict"], body["reasons"]) == ("monitoring_alarm", "alarm", ["one"])
