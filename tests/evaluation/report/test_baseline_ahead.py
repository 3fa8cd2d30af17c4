"""Where the baseline does better the report says so, whether the data shows it, and why where that can be seen."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.baseline_ahead import baseline_ahead
from evaluation.report.candidates_section import headline_replicates

CONFIG = EvaluationConfig(resamples=100, slice_resamples=100)


def ahead(evidence):
    names = (evidence.shipped, evidence.baseline)
    candidates = {name: evidence.candidates[name] for name in names}
    drawn = headline_replicates(evidence.rows, candidates, config=CONFIG, rng=np.random.default_rng(1))
    return {row["statistic"]: row for row in baseline_ahead(drawn, evidence, budget=CONFIG.budget)}


def test_the_better_model_as_baseline_is_ahead_on_everything_that_it_is_better_in(whole_evidence):
    turned = replace(whole_evidence, shipped="logistic", baseline="hybrid")
    found = ahead(turned)
    assert {"average_precision", "log_loss", "brier"} <= set(found)
    assert found["log_loss"]["shown"] is True
    assert found["log_loss"]["difference"]["low"] > 0 > found["average_precision"]["difference"]["high"]


def test_what_ships_is_not_behind_where_it_is_better(whole_evidence):
    found = ahead(whole_evidence)
    assert "log_loss" not in found
    assert "average_precision" not in found


def test_value_that_the_baseline_finds_in_larger_payments_is_explained(whole_evidence):
    hybrid, amount = whole_evidence.candidates["hybrid"], whole_evidence.rows.amount
    leaning = np.clip(hybrid * (amount / 2_000), 0, 1)
    row = ahead(replace(whole_evidence, candidates={**whole_evidence.candidates, "logistic": leaning}))[
        "value_recall_at_budget"
    ]
    assert row["baseline"] > row["shipped"]
    assert "larger payments" in row["why"]
    assert row["difference"]["value"] == pytest.approx(row["shipped"] - row["baseline"])
