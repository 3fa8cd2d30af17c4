"""The account in one line."""

from pipeline.stages.refit.told_refit import headline

JUDGED = {"age_days": 49.2, "fitted_until": "2024-03-21"}


def test_a_refit_is_told_with_both_ages_and_its_blocks():
    section = {"ships": "refit", "judged": JUDGED, "refit": {"age_days": 0.2}, "blocks": [{}, {}]}
    told = "the refit ships, 0 days old (judged 49); 2 blocks, 1 of them of earlier nights"
    assert headline(section, kept=1) == told


def test_a_judged_model_is_told_with_its_age_and_that_the_verdict_is_about_it():
    section = {"ships": "judged", "judged": JUDGED, "refit": None, "reasons": []}
    assert headline(section, kept=0) == "the judged model ships, 49 days old"
    held = section | {"reasons": ["the newest rows are half of what they were"]}
    assert headline(held, kept=0) == "the judged model ships and the verdict stands, 49 days old"
