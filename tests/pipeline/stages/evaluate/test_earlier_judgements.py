"""A second judgement on the same test rows is told; the same model judged again is the same judgement."""

import pyarrow as pa
import pytest

from pipeline.stages.evaluate.earlier_judgements import (
    LEDGER,
    Judgement,
    record_judgement,
    reuse_warnings,
    rows_digest,
)
from pipeline.stages.evaluate.row_sketch import row_sketch


def warned(folder, name, *, test="rows"):
    return reuse_warnings(record_judgement(folder, Judgement(test, f"models of {name}", name)))


def test_the_first_judgement_has_nothing_before_it(tmp_path):
    assert warned(tmp_path, "a") == ()


def test_other_models_judged_on_the_same_rows_before_are_told(tmp_path):
    warned(tmp_path, "a")
    warned(tmp_path, "b", test="other rows")
    assert warned(tmp_path, "c")[0].startswith(
        "1 other model had been judged on these test rows before (a), counted by shared rows 1.0 "
    )
    assert warned(tmp_path, "d")[0].startswith(
        "2 other models had been judged on these test rows before (a, c), counted by shared rows 2.0 "
    )


def night(folder, number, *, models=None):
    """What a night tells whose test fold is fourteen days, moved on by one each night."""
    ids = pa.array([f"{day}-{row}" for day in range(number, number + 14) for row in range(200)])
    name = models or f"night {number:02d}"
    return reuse_warnings(record_judgement(folder, Judgement(f"digest {number}", name, name, row_sketch(ids))))


def test_nightly_folds_that_overlap_count_by_the_rows_they_share(tmp_path):
    for number in range(13):
        night(tmp_path, number)
    said = night(tmp_path, 13)[0]
    looks = float(said.split("counted by shared rows ")[1].split(" ")[0])
    assert looks == pytest.approx(sum(range(1, 14)) / 14, rel=0.1)
    assert said.startswith("13 other models had been judged on these test rows before (night 00, ")
    assert "night 07 and 5 more)" in said


def test_nights_that_share_no_row_and_the_same_models_on_other_nights_are_not_told(tmp_path):
    night(tmp_path, 0)
    assert night(tmp_path, 14) == ()
    assert night(tmp_path, 15, models="night 14") == ()


def test_models_judged_twice_on_overlapping_rows_count_once(tmp_path):
    night(tmp_path, 0, models="a")
    night(tmp_path, 1, models="a")
    assert "1 other model had" in night(tmp_path, 1, models="b")[0]
    assert "counted by shared rows 2.0 looks" in night(tmp_path, 1, models="c")[0]


def test_lines_of_older_ledgers_count_by_digest_beside_those_with_rows(tmp_path):
    (tmp_path / LEDGER).write_text('{"test": "digest 3", "judged": "a", "run": "a"}\n')
    assert night(tmp_path, 4) == ()
    assert "2 other models had been judged on these test rows before (a, night 04)" in night(tmp_path, 3)[0]


def test_models_judged_again_tell_what_they_told_first_and_add_no_line(tmp_path):
    first = [warned(tmp_path, name) for name in "abc"]
    before = (tmp_path / LEDGER).read_bytes()
    assert [warned(tmp_path, name) for name in "abc"] == first
    assert (tmp_path / LEDGER).read_bytes() == before


def test_a_line_keeps_the_keys_that_older_ledgers_have(tmp_path):
    (tmp_path / LEDGER).write_text('{"test": "rows", "judged": "models of a", "run": "a"}\n')
    assert "(a)" in warned(tmp_path, "b")[0]
    assert (tmp_path / LEDGER).read_text().splitlines()[1] == '{"test": "rows", "judged": "models of b", "run": "b"}'


def test_a_judgement_cut_short_by_a_kill_is_left_out_and_the_next_one_is_kept(tmp_path):
    warned(tmp_path, "a")
    with (tmp_path / LEDGER).open("ab") as stream:
        stream.write(b'{"test": "rows", "judg')
    assert "(a)" in warned(tmp_path, "b")[0]
    assert "(a, b)" in warned(tmp_path, "c")[0]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"test"', "a JSON object a line, but line 2"),
        ('{"test": "rows"}', "test, judged and run in every line"),
        ('{"test": "", "judged": "", "run": "", "rows": 3, "sketch": "?"}', "a sketch of rows in line 2"),
    ],
)
def test_a_line_that_is_no_judgement_is_refused(tmp_path, line, fault):
    warned(tmp_path, "a")
    with (tmp_path / LEDGER).open("a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(ValueError, match=rf"looks\.jsonl must .*{fault}"):
        warned(tmp_path, "b")


def test_another_id_or_label_makes_other_test_data_and_nothing_else_does():
    table = pa.table({"transaction_id": ["a", "b"], "label": pa.array([0, None], pa.int8()), "amount": [1.0, 2.0]})
    whole = rows_digest(table)
    relabelled = table.set_column(1, "label", pa.array([0, 1], pa.int8()))
    renamed = table.set_column(0, "transaction_id", pa.array(["a", "c"]))
    assert rows_digest(table.drop_columns(["amount"])) == whole
    assert len({whole, rows_digest(relabelled), rows_digest(renamed)}) == 3
