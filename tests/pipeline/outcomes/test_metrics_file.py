"""The file for Prometheus is in its text form, holds what is defined, and its example rules name what it holds."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.outcomes.metrics_file import metrics_text, write_metrics

RULES = Path(__file__).parents[3] / "pipeline" / "configs" / "prometheus-alerts.yml"
PROMTOOL = shutil.which("promtool")


def bounds(value):
    return {"value": value, "low": 0.5, "high": None}


REPORT = {
    "bundle": {"candidate": 'hy"brid', "manifest": "0123456789abcdef"},
    "coverage": {"rows": 9},
    "population": {"frauds": 2},
    "monitoring": {
        "passed": False,
        "reasons": ["one"],
        "numbers": {
            "known_share": 0.75,
            "observed_expected": bounds(1.5),
            "log_loss": bounds(0.1) | {"expected": 0.08},
            "average_precision": bounds(None) | {"expected": None},
            "largest_stability": None,
            "drifted": 0,
        },
    },
}


def test_every_defined_number_stands_with_its_labels():
    text = metrics_text(REPORT, now=12.5)
    own = r'candidate="hy\"brid",bundle="0123456789ab"'
    assert f"harbor_outcomes_passed{{{own}}} 0.0" in text
    assert f"harbor_outcomes_time_seconds{{{own}}} 12.5" in text
    assert f'harbor_outcomes_observed_expected{{{own},bound="low"}} 0.5' in text
    assert "stability_index_max" not in text
    assert "average_precision_expected" not in text


def test_each_name_is_declared_once_and_before_its_values():
    lines = metrics_text(REPORT, now=0.0).splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    for place, line in enumerate(lines):
        if not line.startswith("#"):
            assert f"# TYPE {line.partition('{')[0]} gauge" in lines[:place]


def test_the_example_rules_ask_for_metrics_that_are_written():
    asked = set(re.findall(r"harbor_outcomes_\w+", RULES.read_text()))
    assert asked
    assert asked <= {
        line.split()[2] for line in metrics_text(REPORT, now=0.0).splitlines() if line.startswith("# TYPE")
    }


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_own_tool_takes_both_files(tmp_path):
    write_metrics(tmp_path / "new" / "harbor.prom", REPORT, now=0.0)
    text = (tmp_path / "new" / "harbor.prom").read_bytes()
    for arguments, fed in ((["check", "rules", str(RULES)], b""), (["check", "metrics"], text)):
        done = subprocess.run([PROMTOOL, *arguments], input=fed, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
