"""Which of several times is the transaction's, and which its report's."""

import io

import pytest
from rich.console import Console

from pipeline.inspection.interview import Interview, asked_on
from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.time_choice import event_time_choice, report_time_choice, time_columns
from pipeline.storage.errors import InputError
from tests.fixtures.seen_files import LABEL, LATER, ROWS, STAMPS, repeated, seen

DAYS = tuple(stamp[:10] for stamp in STAMPS)
LABELS = LabelChoice("is_fraud", ("1",), ("0",), ())
REPORTED = tuple(stamp if label == "1" else None for stamp, label in zip(LATER, LABEL, strict=True))


def chosen(columns, answer=None):
    interview = Interview(None if answer is None else lambda question: answer)
    return event_time_choice(seen(columns), interview), interview


def test_the_only_time_is_taken_without_a_question():
    time, interview = chosen({"x": STAMPS, "a": repeated(["1"])})
    assert time.columns == ("x",)
    assert interview.open == []


def test_the_earlier_of_two_times_is_taken_where_its_name_says_so_too():
    time, interview = chosen({"posted_at": LATER, "transaction_time": STAMPS})
    assert time.columns == ("transaction_time",)
    assert interview.open == []


@pytest.mark.parametrize("names", [("created_at", "local_time"), ("auth_time", "purchase_time")])
def test_two_times_that_either_could_be_are_asked_about(names):
    _, interview = chosen(dict(zip(names, (STAMPS, LATER), strict=True)))
    assert [question.about for question in interview.open] == ["event_time"]
    assert interview.open[0].reason.startswith(f"is {names[0]} the time of the transaction? it might be ")


def test_a_day_is_not_taken_silently_where_another_column_has_the_hour():
    _, interview = chosen({"transaction_date": DAYS, "created_at": STAMPS})
    assert interview.open


def test_a_birthday_a_report_and_a_column_with_holes_are_not_the_event():
    with_holes = [*[None] * 10, *STAMPS[10:]]
    time, _ = chosen({"birth_date": DAYS, "reported_at": LATER, "holes": with_holes, "stamp": STAMPS})
    assert time.columns == ("stamp",)


def test_a_time_without_a_zone_is_asked_about_and_the_answer_is_kept():
    naive = [stamp[:-1] for stamp in STAMPS]
    time, interview = chosen({"event_time": naive})
    assert "no zone" in interview.open[0].reason
    assert "timezone" not in time.keys
    assert chosen({"event_time": naive}, "Europe/Brussels")[0].keys["timezone"] == "Europe/Brussels"


def test_a_zone_that_is_none_is_asked_for_again_and_its_city_is_enough(monkeypatch):
    given = iter(["+01:00", "Istanbul", "Berlin"])
    monkeypatch.setattr("builtins.input", lambda *_: next(given))
    shown = io.StringIO()
    columns = seen({"event_time": [stamp[:-1] for stamp in STAMPS]})
    time = event_time_choice(columns, Interview(asked_on(Console(file=shown, width=300))))
    assert time.keys["timezone"] == "Europe/Berlin"
    assert shown.getvalue().count("must be") == 2


def test_nothing_that_reads_as_a_time_is_a_refusal():
    with pytest.raises(InputError, match="no column reads as the time"):
        chosen({"a": repeated(["x", "y"])})


def test_report_dates_of_the_frauds_are_found_and_sure():
    columns = seen({"is_fraud": LABEL, "event_time": STAMPS, "chargeback_date": REPORTED, "settled_at": LATER})
    event, interview = event_time_choice(columns, Interview()), Interview()
    report = report_time_choice(columns, event, LABELS, interview)
    assert report.columns == ("chargeback_date",)
    assert interview.open == []
    assert list(time_columns(event, None, report)) == ["event_time", "chargeback_date"]


def test_a_report_before_its_transaction_is_none_and_a_full_one_is_asked_about():
    columns = seen({"is_fraud": LABEL, "event_time": LATER, "reported_at": STAMPS})
    assert report_time_choice(columns, event_time_choice(columns, Interview()), LABELS, Interview()) is None
    columns, interview = seen({"is_fraud": LABEL, "event_time": STAMPS, "confirmed_at": LATER}), Interview()
    report_time_choice(columns, event_time_choice(columns, Interview()), LABELS, interview)
    assert [question.about for question in interview.open] == ["label_available_at"]
    assert interview.open[0].reason.startswith("does confirmed_at say when the label became known? it is named for it")


def test_a_time_that_frauds_alone_have_is_asked_about_whatever_it_is_called():
    columns, interview = seen({"is_fraud": LABEL, "event_time": STAMPS, "x": REPORTED}), Interview()
    report = report_time_choice(columns, event_time_choice(columns, Interview()), LABELS, interview)
    assert report.columns == ("x",)
    assert [question.about for question in interview.open] == ["label_available_at"]


def reported(times, events, zone):
    columns = seen({"is_fraud": LABEL, "event_time": events, "chargeback_date": times})
    event = event_time_choice(columns, Interview(lambda question: zone))
    ask = Interview(lambda question: zone if "zone" in question.text else question.default)
    return report_time_choice(columns, event, LABELS, ask).keys


@pytest.mark.parametrize("length", [10, 19], ids=["days", "times"])
def test_a_report_without_a_zone_is_in_that_of_its_transaction(length):
    naive = [None if stamp is None else stamp[:length] for stamp in REPORTED]
    events = [stamp[:-1] for stamp in STAMPS]
    assert reported(naive, events, "America/New_York")["timezone"] == "America/New_York"
    assert "timezone" not in reported(naive, events, "UTC")


def test_days_beside_transactions_away_from_utc_are_asked_about():
    days = [None if stamp is None else stamp[:10] for stamp in REPORTED]
    away, interview = [f"{stamp[:-1]}-05:00" for stamp in STAMPS], Interview()
    columns = seen({"is_fraud": LABEL, "event_time": away, "chargeback_date": days})
    report_time_choice(columns, event_time_choice(columns, interview), LABELS, interview)
    assert [question.about for question in interview.open] == ["label_available_at"]
    assert reported(days, away, "America/New_York")["timezone"] == "America/New_York"


def test_a_report_that_carries_its_zone_keeps_it():
    assert "timezone" not in reported(REPORTED, [stamp[:-1] for stamp in STAMPS], "America/New_York")


def test_days_alone_are_asked_about():
    _, interview = chosen({"transaction_date": DAYS})
    assert "the day alone" in interview.open[0].reason


def test_a_report_of_the_same_day_is_not_before_its_transaction():
    same_day = tuple(day if label == "1" else None for day, label in zip(DAYS, LABEL, strict=True))
    columns = seen({"is_fraud": LABEL, "event_time": STAMPS, "dispute_date": same_day})
    assert len(same_day) == ROWS
    assert report_time_choice(columns, event_time_choice(columns, Interview()), LABELS, Interview()) is not None
