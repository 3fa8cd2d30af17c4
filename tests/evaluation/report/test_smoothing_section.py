"""What the report says of the sweep."""

from dataclasses import replace

import pytest

from evaluation.report.smoothing_section import smoothing_section


@pytest.fixture(scope="module")
def ranking(whole_evidence):
    return whole_evidence.ranking


def test_the_sweep_is_told_best_first_with_its_population(ranking):
    found = smoothing_section(ranking)
    assert [row["rank"] for row in found["sweep"]] == list(range(1, len(ranking.rows) + 1))
    assert found["sweep"][0]["smoothing"] == found["selected"]["smoothing"]
    assert found["population"]["prevalence"] == ranking.frauds_judged / ranking.rows_judged


def test_the_remark_names_the_choice_and_what_the_lowest_ece_would_have_chosen(ranking):
    remark = smoothing_section(ranking)["remark"]
    assert remark.startswith(f"Selected: {ranking.selected.text}. ")
    same = smoothing_section(replace(ranking, lowest_ece=ranking.selected))["remark"]
    assert same.endswith("Lowest raw ECE would have chosen the same setting.")


def test_where_no_smoothing_won_the_best_smoothed_setting_is_named(ranking):
    plain = replace(ranking.selected, smoothing=0.0)
    found = smoothing_section(replace(ranking, selected=plain, smoothed=None, unsmoothed=None))
    assert "No smoothing won" in found["remark"]
    assert "none was in the sweep" in found["remark"]
    assert found["smoothed"] is found["unsmoothed"] is None
