"""Columns of a side file stand beside the rows with the same key."""

from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.schema.preset import Join
from pipeline.reading.batches import source_batches
from pipeline.reading.sources import source_files
from pipeline.sections import DataConfig
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.side_table import check_partners, join_warnings, joined_batches, side_table
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source

PRESET = load_preset(DataConfig(preset="harbor")).model_copy(update={"join": Join(files="*side*", on=("id", "ID"))})


def side(folder, *contents):
    return side_table([source(folder, each, f"side{n}.csv") for n, each in enumerate(contents)], PRESET)


def joined(folder, content, table, needed):
    file = source(folder, content)
    own = content.partition("\n")[0].split(",")
    read = partial(source_batches, file, delimiter=",")
    batches = list(joined_batches(file, needed=needed, own=own, read=read, side=table))
    return pa.concat_tables([batch.table for batch in batches]).to_pylist()


def test_each_row_gets_the_columns_of_its_key_and_null_where_there_is_none(tmp_path):
    table = side(tmp_path, "id,colour\n2,red\n1,blue\n")
    rows = joined(tmp_path, "id,x\n1,a\n2,b\n3,c\n1,d\n", table, ("x", "colour"))
    assert [(row["x"], row["colour"]) for row in rows] == [
        (b"a", b"blue"),
        (b"b", b"red"),
        (b"c", None),
        (b"d", b"blue"),
    ]


def test_side_files_are_put_together_and_may_spell_the_key_in_another_way(tmp_path):
    table = side(tmp_path, "id,colour\n1,blue\n", "id,colour\n2,red\n")
    rows = joined(tmp_path, "ID,x\n2,b\n", table, ("colour",))
    assert rows == [{"colour": b"red"}]


def test_a_column_that_the_file_has_itself_is_not_added(tmp_path):
    assert side(tmp_path, "id,colour,size\n1,blue,2\n").columns(["id", "size"]) == ["colour"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("colour\nred\n", r"side0\.csv: must hold 'id' or 'ID', which it is joined on"),
        ("id,colour\n1,red\n1,blue\n1,red\n", r"side0\.csv: 'id' must be unique, it has 1 repeats that differ"),
        ("id,colour\n1,red\n2\n", r"side0\.csv: every row must have 2 fields and a line break, row 2 has not"),
    ],
)
def test_a_side_file_that_cannot_be_joined_is_refused(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        side(tmp_path, content)


def test_a_file_without_the_key_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"data\.csv: must hold 'id' or 'ID' to be joined on"):
        joined(tmp_path, "x\na\n", side(tmp_path, "id,colour\n1,red\n"), ("colour",))


def test_side_files_without_a_join_are_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="belong to a preset with a join"):
        side_table([source(tmp_path, "id\n1\n")], load_preset(DataConfig(preset="harbor")))


TYPED = pa.table({"id": pa.array([10**15, 10**15 + 1], pa.int64())})


@pytest.mark.parametrize("spelled", ["{}.0", "{:020d}", "{}"])
def test_a_typed_number_finds_its_partner_however_the_side_file_spells_it(tmp_path, spelled):
    table = side(tmp_path, f"id,colour\n{spelled.format(10**15)},red\n")
    assert table.of(TYPED, ["colour"])["colour"].to_pylist() == [b"red", None]


def test_keys_that_are_floats_are_numbers_and_no_exponents(tmp_path):
    pq.write_table(pa.table({"id": [1e15, 7.0], "colour": ["red", "blue"]}), tmp_path / "side.parquet")
    table = side_table(source_files(str(tmp_path / "side.parquet")), PRESET)
    text = pa.table({"id": ["0001000000000000000", "7", "7.5"]})
    assert table.of(text, ["colour"])["colour"].to_pylist() == ["red", "blue", None]


def test_texts_are_one_key_only_where_the_preset_says_that_they_are_numbers(tmp_path):
    text, content = pa.table({"id": ["7", "07"]}), "id,colour\n07,red\n"
    assert side(tmp_path, content).of(text, ["colour"])["colour"].to_pylist() == [None, b"red"]
    join = PRESET.join.model_copy(update={"whole_numbers": True})
    table = side_table([source(tmp_path, content)], PRESET.model_copy(update={"join": join}))
    assert table.of(text, ["colour"])["colour"].to_pylist() == [b"red", b"red"]


def test_two_keys_that_are_one_number_are_refused(tmp_path):
    table = side(tmp_path, "id,colour\n7,red\n07,blue\n")
    with pytest.raises(InputError, match="'id' of the joined file must be unique as a number, it has 1 repeats"):
        table.of(TYPED, ["colour"])


def test_a_row_that_comes_again_as_it_was_is_left_out_and_told(tmp_path):
    table = side(tmp_path, "id,colour\n1,red\n2,blue\n1,red\n")
    table.of(pa.table({"id": ["1", "2"]}), ["colour"])
    assert list(join_warnings(table)) == ["1 rows of the joined file repeat another one and were left out"]


def test_keys_without_a_transaction_are_counted(tmp_path):
    table = side(tmp_path, "id,colour\n1,red\n2,blue\n")
    for ids in (["1", "3"], ["1", "4"]):
        table.of(pa.table({"id": ids}), ["colour"])
    assert (table.counts.rows, table.counts.partnered, table.counts.met.tolist()) == (4, 2, [True, False])
    told = "1 of the 2 keys of the joined file are of no transaction; 50.00% of the transactions found a partner"
    assert list(join_warnings(table)) == [told]
    check_partners(table)


def test_keys_of_which_none_is_found_are_refused(tmp_path):
    table = side(tmp_path, "id,colour\n1,red\n")
    table.of(pa.table({"id": ["one"]}), ["colour"])
    with pytest.raises(InputError, match="none of 1 keys in 'id' is among theirs"):
        check_partners(table)


def test_a_transaction_that_the_file_of_frauds_does_not_name_is_none_where_the_preset_says_so(tmp_path):
    label = PRESET.label.model_copy(update={"absent": "no"})
    table = side_table([source(tmp_path, "id,label\n1,1\n2,\n")], PRESET.model_copy(update={"label": label}))
    found = table.of(pa.table({"id": ["1", "2", "3"]}), ["label"])
    assert found["label"].to_pylist() == ["1", None, "0"]
