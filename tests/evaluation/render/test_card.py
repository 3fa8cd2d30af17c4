import re

import pytest
import yaml

from evaluation.render.card import model_card
from tests.oracles.evaluation import headline_numbers


@pytest.fixture(scope="module")
def report(whole_report):
    return whole_report


def statistics_quoted(card: str) -> set[str]:
    """Numbers with three or more decimals, which only statistics have, as written below the front matter."""
    return set(re.findall(r"(?<![\d.])\d[\d,]*\.\d{3,}(?!\d)", card.split("---", 2)[2]))


def test_every_statistic_in_the_card_is_a_logged_metric(report):
    logged = {
        f"{abs(v) * scale:,.{d}f}" for v in headline_numbers(report).values() for scale in (1, 100) for d in (3, 4, 5)
    }
    assert len(statistics_quoted(model_card(report))) > 100
    assert statistics_quoted(model_card(report)) <= logged


def test_a_number_from_nowhere_would_be_found(report):
    assert "0.12345" in statistics_quoted(model_card(report) + "Brier 0.12345")


def test_front_matter_is_what_hugging_face_reads(report):
    front = yaml.safe_load(model_card(report).split("---")[1])
    results = front["model-index"][0]["results"][0]
    assert "license" not in front  # the model is its owner's
    assert results["task"]["type"] == "tabular-classification"
    values = {metric["type"]: metric["value"] for metric in results["metrics"]}
    assert values["roc_auc"] == report["candidates"]["hybrid"]["roc_auc"]["value"]


def test_the_card_says_how_it_was_made_and_judged(report):
    card = model_card(report)
    chosen = report["smoothing"]["selected"]
    for words in (
        f"Label smoothing ε = {chosen['smoothing']:g}, in torch's convention",
        f"Class weights: {chosen['class_weight']}, weighting by {chosen['weighting']}",
        report["smoothing"]["rule"],
        report["smoothing"]["selection"],
        "12,000 rows",
        "The gate passed it",
    ):
        assert words in card
    assert "Newest training row: 2018-06-21" in model_card(
        {**report, "facts": {**report["facts"], "newest_training_row": "2018-06-21"}}
    )


def test_the_card_says_towards_what_smoothing_pulled(report):
    towards = {"convention": "prior", "anchor": 0.0179}
    card = model_card({**report, "facts": {**report["facts"], "smoothing": towards}})
    assert "towards the prior (targets 1 − ε·(1 − π) and ε·π with π = 0.0179)" in card
    assert "in torch's convention" not in card


def test_undefined_numbers_are_dashes_and_leave_the_front_matter(report):
    cells = {name: dict(c) for name, c in report["candidates"].items()}
    cells["hybrid"]["roc_auc"] = {"value": None, "low": None, "high": None, "reason": "no frauds"}
    card = model_card({**report, "candidates": cells})
    assert "| ROC AUC | – |" in card
    assert "type: roc_auc" not in card
