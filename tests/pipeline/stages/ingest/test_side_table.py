"""Columns of a side file stand beside the rows with the same key."""

import pyarrow as pa
import pytest

from features.schema.preset import Join
from pipeline.sections import DataConfig
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.side_table import joined_batches, side_table
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source

PRESET = load_preset(DataConfig(preset="harbor")).model_copy(update={"join": Join(files="*side*", on=("id", "ID"))})


def side(folder, *contents):
    return side_table([source(folder, each, f"side{n}.csv") for n, each in enumerate(contents)], PRESET)


def joined(folder, content, table, needed):
    file = source(folder, content)
    own = content.partition("\n")[0].split(",")
    batches = list(joined_batches(file, needed=needed, own=own, delimiter=",", side=table))
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
        ("id,colour\n1,red\n1,blue\n1,red\n", r"side0\.csv: 'id' must be unique, it has 2 repeats"),
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
