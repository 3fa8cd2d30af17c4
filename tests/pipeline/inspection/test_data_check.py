"""What a check says, held against what it was told."""

from dataclasses import replace

import pyarrow as pa
import pytest

from pipeline.inspection.data_check import check_lines, check_warnings
from pipeline.inspection.opened_data import opened_data
from tests.fixtures.small_data import config_of, sample_file

SHORT = ("split.train=20d", "split.valid=7d", "split.calib=7d", "split.test=14d", "split.warmup=10d")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    config = config_of(sample_file(tmp_path_factory.mktemp("check")), *SHORT)
    return config, opened_data(config, as_of=None)


def test_rows_columns_folds_windows_and_cost_are_told(checked):
    lines = list(check_lines(*checked))
    heads = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert heads == ["rows", "columns", "folds", "windows", "cost"]
    assert lines[0].startswith("rows    4,000 accepted, 0 set aside, 2024-01-01")


def test_every_fold_stands_with_its_rows_and_frauds(checked):
    lines = {line.split()[0]: line.split() for line in check_lines(*checked) if line.strip()}
    for fold in checked[1].labelled.folds.folds:
        assert lines[fold.name][3:] == [f"{fold.rows:,}", f"{sum(fold.usable):,}", f"{fold.usable[1]:,}"]


def test_from_when_windows_are_full_is_told(checked):
    told = next(line for line in check_lines(*checked) if line.startswith("windows"))
    assert "windows of up to 10d" in told
    assert "2024-01-11" in told


def test_a_gate_that_cannot_pass_is_told_before_anything_is_trained(checked):
    config, data = checked
    refusal = [warning for warning in check_warnings(config, data) if "the gate will refuse" in warning]
    assert len(refusal) == 1
    lenient = config.model_copy(update={"gate": config.gate.model_copy(update={"min_frauds": 1})})
    assert not [warning for warning in check_warnings(lenient, data) if "the gate will refuse" in warning]


def test_card_numbers_that_no_secret_hashes_are_told_before_a_run_finds_them_at_its_end(checked):
    config, data = checked
    table = data.transactions
    numbers = ["4111-1111-1111-1111", "5500 0000 0000 0004", "6011000000000004"] * table.num_rows
    place = table.column_names.index("card_id")
    hidden = table.set_column(place, "card_id", pa.array(numbers[: table.num_rows]))
    found = replace(data, transactions=hidden)
    told = [warning for warning in check_warnings(config, found) if "no state will be exported" in warning]
    assert len(told) == 1
    assert "data.hash_key_env" in told[0]
    assert not [warning for warning in check_warnings(config, data) if "no state" in warning]
