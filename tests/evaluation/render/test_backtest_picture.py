from evaluation.render.backtest_picture import PANELS, backtest_picture

MODELS = ("retrained", "never retrained", "baseline")


def date(day, *, promoted=True, alarms=(), **changes):
    values = dict.fromkeys(PANELS, 0.5) | changes
    return {
        "as_of": f"2024-05-{day:02}T00:00:00Z", "smoothing": 0.05, "class_weight": "sqrt", "promoted": promoted,
        "alarms": list(alarms), "models": dict.fromkeys(MODELS, values),
    }  # fmt: skip


def picture(*dates, ageing=()):
    return backtest_picture({"dates": list(dates), "ageing": list(ageing)})


def test_every_panel_date_and_model_is_on_the_picture():
    svg = picture(date(1), date(8)).svg
    for words in (*PANELS.values(), *MODELS, "05-01", "05-08", "sqrt", "chosen ε"):
        assert f">{words}<" in svg


def test_alarms_and_refusals_change_the_picture():
    plain = picture(date(1), date(8)).svg
    assert picture(date(1), date(8, alarms=["amount drifted"])).svg != plain
    assert picture(date(1), date(8, promoted=False)).svg != plain


def test_more_dates_make_it_wider_and_a_missing_number_is_left_out():
    few, many = picture(date(1), date(8)), picture(*(date(day) for day in range(1, 12)))
    assert int(many.svg.split('viewBox="0 0 ')[1].split(".")[0]) > int(few.svg.split('viewBox="0 0 ')[1].split(".")[0])
    assert picture(date(1, ece=None), date(8)).png.startswith(b"\x89PNG")


def test_the_baseline_does_not_age():
    row = {"model": "baseline", "age_weeks": 1, "average_precision": 0.3}
    assert picture(date(1), date(8), ageing=[row]).svg == picture(date(1), date(8)).svg
