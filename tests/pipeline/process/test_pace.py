"""The time to go comes from the speed between reports of one step."""

from pipeline.process.pace import Pace, clock_text


def test_nothing_is_foretold_before_two_reports_of_a_known_total():
    pace = Pace()
    assert pace.remaining(5.0) is None
    pace.note(1, 20, 10.0)
    assert pace.remaining(11.0) is None
    pace.note(5, None, 12.0)
    pace.note(6, None, 13.0)
    assert pace.remaining(14.0) is None


def test_the_time_to_go_is_that_of_the_speed_so_far_and_runs_down_between_reports():
    pace = Pace()
    pace.note(1, 10, 100.0)  # a minute of loading before it counts for nothing
    pace.note(4, 10, 106.0)
    assert pace.remaining(106.0) == 12.0
    assert pace.remaining(109.0) == 9.0
    assert pace.remaining(200.0) == 0.0


def test_a_step_of_a_few_unlike_parts_foretells_nothing():
    pace = Pace()
    pace.note(1, 4, 0.0)
    pace.note(2, 4, 60.0)
    assert pace.remaining(60.0) is None


def test_another_total_or_less_done_begins_a_new_step():
    pace = Pace()
    for done, total, moment in ((1, 10, 0.0), (10, 10, 90.0), (1, 10, 91.0)):
        pace.note(done, total, moment)
    assert pace.remaining(91.0) is None
    pace.note(2, 10, 92.0)
    assert pace.remaining(92.0) == 8.0
    pace.note(5, 600, 93.0)
    assert pace.remaining(93.0) is None


def test_a_clock_has_hours_minutes_and_seconds():
    assert [clock_text(each) for each in (0, 59.9, 3600, 36_061)] == ["0:00:00", "0:00:59", "1:00:00", "10:01:01"]
