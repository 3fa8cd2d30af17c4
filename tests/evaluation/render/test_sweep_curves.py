from evaluation.render.sweep_curves import SWEEP, sweep_pictures

STATISTICS = {"ece": 0.01, "brier": 0.02, "precision_at_half": 0.5, "share_negatives_above_095": 0.001}


def row(smoothing, weight, weighting="example", **changes):
    values = STATISTICS | changes
    return {
        "smoothing": smoothing, "class_weight": weight, "weighting": weighting,
        "log_loss_affine": 0.07, "roc_auc": 0.9, "raw": values, "inverted": values,
    }  # fmt: skip


def pictures(*rows):
    return sweep_pictures({"smoothing": {"sweep": list(rows)}})


def test_every_statistic_has_a_picture_of_its_own():
    made = pictures(row(0.0, "none"), row(0.1, "none", ece=0.4))
    assert list(made) == [f"sweep-{name}" for name in SWEEP]
    assert made["sweep-ece"].text.startswith("ECE on valid against ε, a line per class weight")


def test_a_line_stands_for_a_weight_and_columns_are_told_apart_from_examples():
    svg = pictures(row(0.0, "none"), row(0.1, "balanced"), row(0.1, "balanced", "column"))["sweep-roc_auc"].svg
    for label in (">none<", ">balanced<", ">balanced, column<"):
        assert label in svg


def test_the_order_of_the_rows_changes_no_picture():
    rows = [row(e, w, ece=0.01 + e) for w in ("none", "sqrt") for e in (0.0, 0.1)]
    one, other = pictures(*rows), pictures(*rows[::-1])
    assert {name: each.svg for name, each in one.items()} == {name: each.svg for name, each in other.items()}


def test_an_undefined_statistic_is_left_out_of_its_line():
    missing = pictures(row(0.0, "none"), row(0.1, "none", precision_at_half=None))
    assert missing["sweep-precision_at_half"].png.startswith(b"\x89PNG")
