"""A second look at the same test rows is told; the same model judged again is the same look."""

import pytest

from pipeline.stages.evaluate.earlier_looks import LEDGER, earlier_looks


def look(folder, name, *, test="rows", judged=None):
    return earlier_looks(folder / name, test=test, judged=judged or name)


def test_the_first_look_has_nothing_to_tell(tmp_path):
    assert look(tmp_path, "a") == ()


def test_other_models_judged_on_the_same_rows_before_are_told(tmp_path):
    look(tmp_path, "a")
    look(tmp_path, "b", test="other rows")
    assert look(tmp_path, "c")[0].startswith("1 other model had been judged on these test rows before (a):")
    assert look(tmp_path, "d")[0].startswith("2 other models had been judged on these test rows before (a, c):")


def test_a_model_judged_again_tells_what_it_told_first_and_adds_no_look(tmp_path):
    first = [look(tmp_path, name) for name in "abc"]
    before = (tmp_path / LEDGER).read_bytes()
    assert [look(tmp_path, name) for name in "abc"] == first
    assert (tmp_path / LEDGER).read_bytes() == before


def test_a_look_cut_short_by_a_kill_is_left_out_and_the_next_one_is_kept(tmp_path):
    look(tmp_path, "a")
    with (tmp_path / LEDGER).open("ab") as stream:
        stream.write(b'{"test": "rows", "judg')
    assert "(a)" in look(tmp_path, "b")[0]
    assert "(a, b)" in look(tmp_path, "c")[0]


def test_a_broken_line_among_whole_ones_is_named(tmp_path):
    look(tmp_path, "a")
    with (tmp_path / LEDGER).open("ab") as stream:
        stream.write(b'{"test"\n')
    with pytest.raises(ValueError, match=r"looks\.jsonl must hold a JSON object a line, but line 2"):
        look(tmp_path, "b")
