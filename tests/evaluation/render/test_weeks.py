import pytest

from evaluation.render.weeks import weeks_picture


def week(day, value, low=0.8, high=1.2):
    return {"kind": "week", "population": day, "observed_expected": {"value": value, "low": low, "high": high}}


def picture(*parts):
    return weeks_picture({"shipped": "hybrid", "slices": {"hybrid": list(parts)}})


def test_weeks_stand_under_their_first_day():
    svg = picture(week("2018-07-26", 1.0), week("2018-08-02", 1.1))["weeks"].svg
    assert ">07-26<" in svg
    assert ">08-02<" in svg


@pytest.mark.parametrize("parts", [(), (week("2018-07-26", 1.0),), (week("2018-07-26", 1.0), week("2018-08-02", None))])
def test_fewer_than_two_weeks_make_no_picture(parts):
    assert picture(*parts) == {}


def test_other_parts_are_no_weeks():
    assert picture(*({**week("travel", 1.0), "kind": "merchant_category"},) * 3) == {}


def test_a_week_without_an_interval_is_a_point_alone():
    with_bar = picture(week("2018-07-26", 1.0), week("2018-08-02", 1.1))["weeks"].svg
    without = picture(week("2018-07-26", 1.0), week("2018-08-02", 1.1, None, None))["weeks"].svg
    assert len(without) < len(with_bar)
