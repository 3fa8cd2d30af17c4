"""What the report says of the sweep."""

from dataclasses import replace

import pytest

from evaluation.report.smoothing_section import selection_remark, smoothing_section


@pytest.fixture(scope="module")
def ranking(whole_evidence):
    return whole_evidence.ranking


def test_the_sweep_is_told_best_first_with_its_population(ranking):
    found = smoothing_section(ranking)
    assert [row["rank"] for row in found["sweep"]] == list(range(1, len(ranking.rows) + 1))
    best = found["sweep"][0]
    assert {key: best[key] for key in found["smallest_mean"]} == found["smallest_mean"]
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


def test_what_the_smallest_mean_would_have_chosen_is_told_with_the_difference_and_its_error(ranking):
    found = smoothing_section(ranking)
    behind = ranking.behind(ranking.selected)
    assert found["selected_behind"]["value"] == behind.value
    assert found["selected_behind"]["proven"] is False
    other = next(row.setting for row in ranking.rows if row.selectable and row.setting != ranking.smallest_mean)
    passed = selection_remark(replace(ranking, selected=other, simplest=other))
    assert passed.startswith(f"The smallest mean log loss would have chosen {ranking.smallest_mean.text}: ")
    left = selection_remark(replace(ranking, selected=ranking.smallest_mean, simplest=other))
    assert left.startswith(f"{other.text} was left: {ranking.behind(other).value:.5f} better (standard error ")
