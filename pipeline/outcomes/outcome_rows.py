"""`harbor evaluate --bundle DIR --outcomes FILE`: a deployed bundle judged on outcomes that arrived later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from evaluation.statistics.populations import JudgedRows
from pipeline.bundle.score import UNREADABLE, read_features, reading_fault
from pipeline.bundle.scorer import Scorer
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError

GROUPING_SIZE = 100


CLOSE = 1e-4


KNOWN = {
    "label": pa.float64(),
    "blocked": pa.float64(),
    "amount": pa.float64(),
    "probability": pa.float64(),
    "event_time": pa.string(),
    "card_id": pa.string(),
}


@dataclass(frozen=True)
class Outcomes:
    """Rows whose outcome may have become known.

    Attributes:
        rows: labels (NaN: not known), times, amounts, cards, groups.
        blocked: the transaction was stopped, so that its label is an opinion [N].
        probabilities: P(fraud) by the bundle [N].
        remarks: what a reader must know of the file.
        timed: whether the file says when each transaction happened.
    """

    rows: JudgedRows
    blocked: np.ndarray
    probabilities: np.ndarray
    remarks: tuple[str, ...]
    timed: bool


def read_outcomes(path: Path, scorer: Scorer, *, threads: int) -> Outcomes:
    """An outcome file, scored.

    Raises:
        InputError: it cannot be read, lacks columns, or holds values that cannot be: every fault, counted.
    """
    table = _known_columns(path)
    if "label" not in table.column_names:
        raise InputError(f"{path} must have a column 'label' (0, 1 or empty where not known), but it has none")
    if not table.num_rows:
        raise InputError(f"{path} must have at least one row, got none")
    numbers = {name: _numbers(table, name) for name in ("label", "blocked", "amount", "probability")}
    times, faults = _times(table)
    faults = [*_value_faults(numbers), *faults]
    if faults:
        raise InputError(
            "\n  ".join([f"{len(faults)} fault{'s' * (len(faults) > 1)} in {path} ({table.num_rows:,} rows)", *faults])
        )
    probabilities, groups, remarks = _scored(path, scorer, numbers["probability"], threads=threads)
    if numbers["amount"] is None:
        remarks.append("the file has no amounts: statistics of value and cost are without meaning")
    card = pd.factorize(table["card_id"].to_pandas())[0].astype(np.int64) if "card_id" in table.column_names else None
    rows = table.num_rows
    judged = JudgedRows(
        labels=_or(numbers["label"], rows, np.nan),
        event_time=times if times is not None else np.zeros(rows, np.int64),
        amount=_or(numbers["amount"], rows, 0.0),
        card=card,
        groups=groups,
    )
    return Outcomes(judged, _or(numbers["blocked"], rows, 0.0) == 1, probabilities, tuple(remarks), times is not None)


def _scored(
    path: Path, scorer: Scorer, given: np.ndarray | None, *, threads: int
) -> tuple[np.ndarray, dict[str, np.ndarray], list[str]]:
    """The bundle's probabilities, the categories with few values, and remarks."""
    lacking = [name for name in scorer.signature.inputs if name not in _column_names(path)]
    if lacking and given is not None:
        remark = "the probabilities are those of the file: it lacks columns of the graph, so they were not checked"
        return given, {}, [remark]
    features = read_features(path, scorer.signature)
    probabilities = scorer.probabilities(features, threads=threads)["probability"]
    groups = {name: features[name] for name in scorer.signature.categorical}
    groups = {n: pc.fill_null(pc.cast(v, pa.string()), "(missing)").to_numpy() for n, v in groups.items()}
    groups = {name: values.astype(str) for name, values in groups.items() if len(set(values)) <= GROUPING_SIZE}
    differing = int((np.abs(given - probabilities) > CLOSE).sum()) if given is not None else 0
    if not differing:
        return probabilities, groups, []
    remark = f"{differing:,} rows have another probability in the file than the bundle gives, which is what was judged"
    return probabilities, groups, [remark]


def _column_names(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    if path.suffix == ".csv":
        with pacsv.open_csv(path) as reader:
            return list(reader.schema.names)
    return list(pajson.read_json(path).column_names)


def _known_columns(path: Path) -> pa.Table:
    """The columns that are no features, types given where the file has none."""
    if path.suffix not in (".parquet", ".csv", ".jsonl"):
        raise InputError(f"outcomes must be in a .parquet, .csv or .jsonl file, got {path.name!r}")
    if not path.is_file():
        raise InputError(f"outcomes must be in a file, but {path} is none")
    try:
        present = [name for name in KNOWN if name in _column_names(path)]
        if path.suffix == ".parquet":
            return read_table(path, columns=present)
        if path.suffix == ".csv":
            options = pacsv.ConvertOptions(column_types=KNOWN, include_columns=present, null_values=[""])
            return pacsv.read_csv(path, convert_options=options)
        return pajson.read_json(path).select(present)
    except UNREADABLE as error:
        kind = path.suffix.removeprefix(".")
        raise InputError(f"{path} must be readable as {kind}, but: {reading_fault(error)}") from None


def _numbers(table: pa.Table, name: str) -> np.ndarray | None:
    """A column as float64, NaN where empty; None where the table has none. What is no number becomes infinite."""
    if name not in table.column_names:
        return None
    column = table[name]
    if pa.types.is_null(column.type):
        return np.full(table.num_rows, np.nan)
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values: np.ndarray = pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan).to_numpy()
        return values
    return np.full(table.num_rows, np.inf)


def _value_faults(numbers: Mapping[str, np.ndarray | None]) -> list[str]:
    rules: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
        "label": ("0, 1 or empty", lambda v: np.isnan(v) | (v == 0) | (v == 1)),
        "blocked": ("0, 1 or empty", lambda v: np.isnan(v) | (v == 0) | (v == 1)),
        "amount": ("a finite number ≥ 0", lambda v: np.isfinite(v) & (v >= 0)),
        "probability": ("a number in [0, 1]", lambda v: (v >= 0) & (v <= 1)),
    }
    faults = []
    for name, (rule, holds) in rules.items():
        values = numbers[name]
        wrong = 0 if values is None else int((~holds(values)).sum())
        if wrong:
            faults.append(f"'{name}': must be {rule}, got {wrong:,} rows that are not")
    return faults


def _times(table: pa.Table) -> tuple[np.ndarray | None, list[str]]:
    """event_time in microseconds since 1970, UTC where no zone is given, and faults."""
    if "event_time" not in table.column_names:
        return None, []
    column = table["event_time"].to_pandas()
    try:
        times = pd.to_datetime(column, utc=True, format="ISO8601" if column.dtype.kind not in "iufM" else None)
    except (ValueError, TypeError, OverflowError):
        return None, ["'event_time': must be ISO 8601 times, got values that are not"]
    missing = int(times.isna().sum())
    if missing or column.dtype.kind in "iuf":
        return None, [f"'event_time': must be ISO 8601 times, got {missing or len(times):,} rows that are not"]
    values: np.ndarray = times.dt.as_unit("us").astype("int64").to_numpy()
    return values, []


def _or(values: np.ndarray | None, rows: int, value: float) -> np.ndarray:
    return np.full(rows, value) if values is None else values
