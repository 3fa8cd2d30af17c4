import pyarrow as pa
import pytest

from features.schema.column_plan import column_plan
from pipeline.sections import DataConfig
from pipeline.stages.ingest.column_faults import PlannedFile, check_columns
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.storage.errors import InputError

NAMES = ("transaction_id", "event_time", "amount", "label")


def planned(place, names=NAMES, **types):
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    return PlannedFile(place, column_plan(load_preset(DataConfig(preset="harbor")), names), schema, tuple(names))


def test_files_with_the_same_plain_columns_pass():
    check_columns([planned("a.csv"), planned("b.csv", NAMES[::-1])])


def test_a_missing_column_is_told_with_those_that_nobody_names():
    with pytest.raises(InputError, match=r"1 column missing in a\.csv\n  missing: 'amount'; .* names: 'sum'$"):
        check_columns([planned("a.csv", ("event_time", "label", "sum"))])


def test_a_nested_column_is_told_with_its_type():
    with pytest.raises(InputError, match=r"(?s)1 column of the wrong type in a\.parquet.*'amount': .*got list<"):
        check_columns([planned("a.parquet", amount=pa.list_(pa.float64()))])


def test_a_column_in_one_file_alone_is_told_by_both_files():
    with pytest.raises(InputError, match=r"b\.csv and a\.csv must hold the same columns\n  .* only: 'card_id'"):
        check_columns([planned("a.csv"), planned("b.csv", (*NAMES, "card_id"))])


def test_faults_of_all_files_come_at_once_and_a_missing_column_is_not_told_twice():
    files = [planned("a.csv"), planned("b.csv", ("event_time", "label")), planned("c.csv", ("amount", "label"))]
    with pytest.raises(InputError, match=r"(?s)missing in b\.csv.*missing in c\.csv") as refused:
        check_columns(files)
    assert "must hold the same columns" not in str(refused.value)
