import numpy as np
import pytest

from evaluation.render.reliability_diagrams import reliability_picture, smoothing_pictures
from evaluation.render.style import BLUE, RUST
from evaluation.report.reliability_tables import unsmoothed_section


@pytest.fixture(scope="module")
def table():
    p = np.random.default_rng(1).random(2_000) ** 4
    return unsmoothed_section((np.random.default_rng(2).random(2_000) < p).astype(float), p, bins=15)


def report(table, *stages):
    heads = [{"smoothing": epsilon, **table} for epsilon in (0.0, 0.1)]
    smoothing = dict.fromkeys(stages, heads)
    return {"reliability": {"smoothing": smoothing, "histogram_edges": table["histogram_edges"]}}


def test_a_diagram_names_every_series_in_its_words_and_legend(table):
    series = {"before": (table, RUST), "after": (table, BLUE)}
    picture = reliability_picture("r", "Title", series, table["histogram_edges"])
    assert picture.text.startswith("Reliability diagram (before, after): observed fraud rate")
    assert ">before<" in picture.svg
    assert "promised probability" in picture.svg


def test_smoothing_is_drawn_as_trained_and_calibrated_where_both_heads_are_there(table):
    both = smoothing_pictures(report(table, "before", "after"))
    assert list(both) == ["reliability-smoothing-before", "reliability-smoothing-after"]
    assert "ε = 0.1" in both["reliability-smoothing-after"].text
    assert list(smoothing_pictures(report(table, "after"))) == ["reliability-smoothing-after"]
    assert smoothing_pictures(report(table)) == {}


def test_probabilities_below_the_axis_are_drawn_at_its_end():
    tiny = unsmoothed_section(np.array([0.0, 1.0]), np.array([1e-9, 1e-9]), bins=3)
    assert reliability_picture("r", "T", {"a": (tiny, BLUE)}, tiny["histogram_edges"]).png.startswith(b"\x89PNG")
