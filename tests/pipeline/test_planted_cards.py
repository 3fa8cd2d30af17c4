"""A card number planted in every field in four spellings: no message, log, report line or traceback shows it."""

import io
import itertools
import json
import sys
import traceback
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.bundle.score import read_features
from pipeline.bundle.signature import Signature, feature_arrays
from pipeline.config import load_config
from pipeline.outcomes.outcome_file import outcome_columns
from pipeline.process.exits import Exit, ending_of, run_command
from pipeline.process.json_log import log_line
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import ingested
from tests.oracles.bad_input import HEADER, csv, good_rows, text
from tests.oracles.planted_cards import FOUR, SPELLINGS, digits_told, spelled

SIGNATURE = Signature(("amount", "hour"), ("channel",), ("probability",))
SUFFIXES = (".csv", ".jsonl", ".parquet")
FEATURES = ("transaction_id", "amount", "hour", "channel")
OUTCOMES = ("transaction_id", "label", "amount", "probability", "event_time", "card_id", "action", "label_source")
GOOD = {
    "transaction_id": "t1", "amount": "1.5", "hour": "3", "channel": "web", "label": "0", "probability": "0.1",
    "event_time": "2024-05-01T06:00:00Z", "card_id": "c1", "action": "approved", "label_source": "chargeback",
}  # fmt: skip


def said_by(act) -> str:
    """All that a process says of a command: its message, its traceback, its last record, and what it warned of."""
    ending = ending_of(act)
    trace = "" if ending.error is None else run_debug(act)
    return f"{ending.message}\n{trace}"


def run_debug(act) -> str:
    """Standard error of the command with HARBOR_DEBUG set, as lines and as records."""
    written, before = io.StringIO(), sys.stderr
    sys.stderr = written
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HARBOR_DEBUG", "1")
            run_command(act)
    finally:
        sys.stderr = before
    return written.getvalue()


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize("field", HEADER)
def test_ingest_tells_no_card_number(tmp_path: Path, field: str, name: str):
    rows = good_rows()
    rows[3] |= {field: spelled(name)}
    rows[5] |= {field: spelled(name), "amount": "-1" if field != "amount" else spelled(name)}
    source = csv(tmp_path, text(rows) + f"{spelled(name)},broken\n")
    allowed = ending_of(lambda: ingested(source))
    assert digits_told(said_by(lambda: ingested(source, max_quarantined_share=0.0))) == 0
    if allowed.error is None:
        report = ingested(source).report
        assert digits_told(" ".join([*report["warnings"], *report["reasons"]])) == 0


@pytest.mark.parametrize("name", FOUR)
def test_a_file_without_a_header_tells_no_value_of_its_first_row(tmp_path: Path, name: str):
    rows = [row | {"card_id": spelled(name), "merchant_id": "Anna Miller"} for row in good_rows()]
    said = said_by(lambda: ingested(csv(tmp_path, text(rows).partition("\n")[2])))
    assert "is there a header?" in said
    assert digits_told(said) == 0
    assert "Miller" not in said


def written(folder: Path, suffix: str, fields: tuple[str, ...], planted: str, value: str) -> Path:
    """Two rows, the second with the value planted in one field; text columns wherever a file has types."""
    rows = [{name: GOOD[name] for name in fields}, {name: GOOD[name] for name in fields} | {planted: value}]
    path = folder / f"rows{suffix}"
    if suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize(("suffix", "field"), [*itertools.product(SUFFIXES, FEATURES)])
def test_score_tells_no_card_number(tmp_path: Path, suffix: str, field: str, name: str):
    path = written(tmp_path, suffix, FEATURES, field, spelled(name))
    assert digits_told(said_by(lambda: feature_arrays(read_features(path, SIGNATURE), SIGNATURE))) == 0


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize(("suffix", "field"), [*itertools.product(SUFFIXES, OUTCOMES)])
def test_outcomes_tell_no_card_number(tmp_path: Path, suffix: str, field: str, name: str):
    path = written(tmp_path, suffix, OUTCOMES, field, spelled(name))
    assert digits_told(said_by(lambda: outcome_columns(path))) == 0


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize("read", [lambda path: read_features(path, SIGNATURE), outcome_columns])
def test_a_row_with_a_field_too_many_is_told_by_its_number(tmp_path: Path, name: str, read):
    path = tmp_path / "rows.csv"
    header, row = ",".join(GOOD), ",".join(GOOD.values())
    path.write_text(f"{header}\n{row}\n{row},{spelled(name)}\n")
    ending = ending_of(lambda: read(path))
    assert ending.code == Exit.BAD_INPUT
    assert f"row 2 is not: record: must have {len(GOOD)} fields" in ending.message
    assert digits_told(said_by(lambda: read(path))) == 0


def test_a_value_that_is_no_number_is_told_by_column_and_row(tmp_path: Path):
    path = written(tmp_path, ".csv", FEATURES, "hour", "Anna Miller")
    message = ending_of(lambda: feature_arrays(read_features(path, SIGNATURE), SIGNATURE)).message
    assert "'hour': must be numbers, got binary that is none in 1 rows, first in row 2" in message
    assert "Miller" not in message


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize("column", ["amount", "channel"])
def test_the_served_model_tells_no_card_number(column: str, name: str):
    from mlflow.exceptions import MlflowException

    from pipeline.stages.export.serving_model import ScoringModel

    model = ScoringModel()
    model.signature = SIGNATURE.to_dict()
    value = {"amount": f"no {spelled(name)}", "channel": [spelled(name)]}[column]
    rows = pd.DataFrame([{"amount": 1.0, "hour": 1.0, "channel": "web"} | {column: value}])
    with pytest.raises(MlflowException, match=column) as refused:
        model.predict(None, rows)
    assert digits_told("".join(traceback.format_exception(refused.value, chain=False))) == 0


@pytest.mark.parametrize("name", SPELLINGS)
def test_settings_and_faults_of_the_program_tell_no_card_number(name: str):
    def fail():
        try:
            int(spelled(name) + "x")
        except ValueError as error:
            raise KeyError(spelled(name)) from error

    def refuse():
        raise InputError(f"got {spelled(name)}")

    def configure():
        load_config(None, assignments=[f"train.epochs='{spelled(name)}'", f"x.y={spelled(name)}"], environment={})

    for act in (fail, refuse, configure):
        assert digits_told(said_by(act)) == 0
    record = log_line("error", "exit", spelled(name), traceback=f"row {spelled(name)}", **{"deep": [spelled(name)]})
    assert digits_told(record) == 0
    assert json.loads(record)["level"] == "error"


def test_the_oracle_sees_a_number_that_is_told():
    assert digits_told("got 4539 5787 6362 1486 in row 3") == 16
    assert digits_told("ends in 21486") == 5
    assert digits_told("row 4539, 1,486 rows, 2024-05-01") == 0
