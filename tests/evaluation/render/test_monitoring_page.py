"""The page of a judgement on outcomes: verdict first, tables reached by keyboard, and nothing is fetched."""

import re

import numpy as np
import pytest

from evaluation.options import EvaluationConfig, MonitoringConfig
from evaluation.render.monitoring_page import monitoring_html
from evaluation.report.json_values import json_values
from evaluation.report.monitoring_section import Monitored, monitoring_section
from evaluation.report.outcomes_section import outcomes_report
from evaluation.statistics.percentiles import Interval
from evaluation.statistics.populations import JudgedRows

CONFIG = EvaluationConfig(resamples=100, slice_resamples=100, cluster="row")


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 9, 900)
    rows = JudgedRows((rng.random(900) < p).astype(float), np.arange(900), np.ones(900))
    found = outcomes_report(rows, p, config=CONFIG, rng=rng)
    level = Interval(*(found["metrics"]["observed_expected"][key] for key in ("value", "low", "high")))
    monitored = Monitored(rows, p, level, Interval(0.9, 0.8, 1.0), 900, {}, 1.0)
    section = monitoring_section(monitored, None, config=MonitoringConfig(), evaluation=CONFIG, rng=rng)
    return found | {
        "monitoring": json_values(section),
        "bundle": {"manifest": "a" * 64, "candidate": "hybrid"},
        "outcomes": {"file": "<week>.parquet", "sha256": "b" * 64},
        "files": [
            {
                "file": "d.csv",
                "rows": 1,
                "known": 0,
                "frauds": 0,
                "promised": 0.0,
                "observed_expected": None,
                "log_loss": None,
            }
        ],
    }


def test_the_verdict_and_its_reason_stand_in_the_head(report):
    head = monitoring_html(report).partition("</header>")[0]
    assert "no longer is what was shipped" in head
    assert "more than 15" in head
    assert "Outcomes do not follow the probabilities" in head


def test_every_table_that_scrolls_is_a_named_region_for_the_keyboard(report):
    page = monitoring_html(report)
    scrolling = re.findall(r'<div class="scroll"[^>]*>', page)
    assert len(scrolling) == page.count("<table>") == page.count("<caption>") > 2
    assert all('tabindex="0"' in each and "aria-label=" in each for each in scrolling)
    assert page.count("<main>") == 1


def test_the_page_fetches_nothing_and_shows_names_as_text(report):
    page = monitoring_html(report)
    assert "&lt;week&gt;.parquet" in page
    assert not re.search(r"<script|https?://|<link rel=\"stylesheet", page)
