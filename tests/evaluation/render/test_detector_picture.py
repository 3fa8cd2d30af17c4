"""The champion's promises by day as a picture."""

from evaluation.render.detector_picture import detector_picture

DAYS = [{"day": f"2024-04-0{n}", "observed": 3.0 * n, "expected": 4.0, "fraud_log_loss": None} for n in range(1, 8)]


def picture(daily=DAYS, **changes):
    section = {"daily": daily, "rings": False, "statistics": {"observed_expected": {"since": "2024-04-03"}}}
    return detector_picture({"drift": {"detector": section | changes}})


def test_promised_and_happened_are_shown_by_day():
    made = picture()["detector"]
    assert made.text.startswith("frauds by day of event against what the champion had promised")
    for words in (">promised<", "late labels accounted for", ">04-01<"):
        assert words in made.svg


def test_the_day_of_a_change_is_marked_only_where_the_detector_rings():
    assert picture(rings=True)["detector"].svg != picture()["detector"].svg


def test_without_a_champion_or_days_there_is_no_picture():
    assert picture(daily=[]) == detector_picture({"drift": {"detector": {}}}) == detector_picture({}) == {}
