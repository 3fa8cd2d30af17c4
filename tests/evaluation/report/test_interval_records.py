from evaluation.report.interval_records import bounds_record, interval_record
from evaluation.statistics.intervals import UNDEFINED, Interval

PEOPLE = {"fold": "test", "prevalence": 0.02, "rows": 5}


def test_a_record_names_its_population_and_gives_no_reason_where_none_is_needed():
    found = interval_record(Interval(0.5, 0.4, 0.6), PEOPLE)
    assert found == {"value": 0.5, "low": 0.4, "high": 0.6, "population": "test", "prevalence": 0.02}


def test_the_reason_of_the_rows_goes_before_that_of_the_resamples():
    undefined = UNDEFINED.because("undefined in 40 of 40 resamples")
    assert interval_record(undefined, PEOPLE)["reason"] == "undefined in 40 of 40 resamples"
    assert interval_record(undefined, PEOPLE, reason="no frauds")["reason"] == "no frauds"


def test_bounds_alone_are_for_tables_that_name_their_population_once():
    assert bounds_record(Interval(0.5, 0.4, 0.6, "why")) == {"value": 0.5, "low": 0.4, "high": 0.6}
