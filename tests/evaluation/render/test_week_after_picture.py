from evaluation.render.week_after_picture import PANELS, week_after_picture

ARMS = ("never retrained", "judged", "refit")


def date(day, *, ships="refit", **changes):
    values = dict.fromkeys(PANELS, 0.5) | changes
    week = {"from": f"2024-05-{day:02}T00:00:00Z", "ships": ships, "models": dict.fromkeys(ARMS, values)}
    return {"week_after": week}


def test_every_panel_week_and_model_is_on_the_picture():
    svg = week_after_picture({"dates": [date(1), {"week_after": None}, date(8)]}).svg
    for words in (*PANELS.values(), *ARMS, "05-01", "05-08"):
        assert f">{words}<" in svg


def test_a_week_in_which_the_judged_model_ships_looks_different():
    plain = week_after_picture({"dates": [date(1), date(8)]}).svg
    assert week_after_picture({"dates": [date(1), date(8, ships="judged")]}).svg != plain
