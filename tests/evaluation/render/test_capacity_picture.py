"""The capacity curve is drawn from the money of a report, and is not there without any."""

from evaluation.render.capacity_picture import capacity_picture


def test_the_curve_of_a_report_is_one_picture_and_the_same_every_time(whole_report):
    one, two = (capacity_picture(whole_report) for _ in range(2))
    assert list(one) == ["capacity"]
    assert one["capacity"].svg == two["capacity"].svg
    assert "ships" in one["capacity"].svg


def test_another_point_that_ships_is_another_mark(whole_report):
    money = whole_report["money"]
    other = [point | {"ships": point["name"] == "alert_budget"} for point in money["points"]]
    moved = capacity_picture({**whole_report, "money": money | {"points": other}})
    assert moved["capacity"].svg != capacity_picture(whole_report)["capacity"].svg


def test_without_money_there_is_no_picture(whole_report):
    assert capacity_picture({**whole_report, "money": {}}) == {}
