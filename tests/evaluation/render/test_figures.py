from evaluation.render.figures import pictures, unsmoothed_picture
from evaluation.render.sweep_curves import SWEEP


def test_every_candidate_and_every_statistic_of_the_sweep_has_a_figure(whole_report):
    slim = {"logistic": whole_report["reliability"]["test"]["logistic"]}
    report = {**whole_report, "reliability": {**whole_report["reliability"], "test": slim, "smoothing": {}}}
    made = pictures(report)
    sweep = [f"sweep-{name}" for name in SWEEP]
    assert list(made) == ["reliability-valid-unsmoothed", "reliability-logistic", "capacity", *sweep, "weeks"]
    assert made["reliability-logistic"].title == "Logistic on test"


def test_the_picture_before_the_sweep_is_that_of_the_section(whole_report):
    picture = unsmoothed_picture(whole_report["reliability"]["valid_unsmoothed"])
    assert picture.title == "ε = 0 on valid, without class weights"
    assert "as trained" in picture.text
