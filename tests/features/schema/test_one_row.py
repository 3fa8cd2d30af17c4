"""One row is read as files are: on the catalogue of bad input, and on rows put together from plain and odd values."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.batch import canonical_batch
from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.one_row import RowReader, judged_row
from features.times import DAY
from pipeline.sections import DataConfig
from pipeline.stages.ingest.inputs import source_inputs
from pipeline.stages.ingest.preset_files import load_preset, load_rates
from pipeline.storage.errors import INPUT_ERRORS
from tests.fixtures.ingested import no_simulation
from tests.oracles.bad_input import CASES, good_rows

NO_JSON = ("fixed_size_binary", "extension", "dictionary", "halffloat", "float")
HARBOR = load_preset(DataConfig())


def reader_of(preset=HARBOR, **settings):
    return RowReader(Reading(preset, column_plan(preset, ()), 7 * DAY, **settings))


def equal(one, other):
    """Canonical values; a missing number is one value."""
    assert one.keys() == other.keys()
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
        for a, b in ((one[name], other[name]) for name in one)
    )


def spoken(value):
    """A value of a file as a request has it: bytes that are text are text."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def catalogue(folder):
    """Every batch of every source of the catalogue that can be opened, with how it is read."""
    for case in CASES:
        own = folder / case.name
        own.mkdir()
        spoilt = case.make(own)
        try:
            source = spoilt.source if isinstance(spoilt.source, list) else str(spoilt.source)
            data = DataConfig.model_validate({"source": source, **spoilt.settings})
            preset = load_preset(data)
            inputs = source_inputs(data, preset=preset, simulate=no_simulation)
            if preset.chargebacks is not None or any(each.side for each in inputs):
                continue
            for each in inputs:
                reading = Reading(preset, each.plan, 7 * DAY, rates=load_rates(data, preset))
                for batch in each.batches():
                    yield case.name, reading, batch.table
        except INPUT_ERRORS:
            continue


def test_each_row_of_the_catalogue_ends_as_it_does_in_its_file(tmp_path: Path):
    seen, plain, odd = set(), 0, 0
    for name, reading, table in catalogue(tmp_path):
        if any(str(field.type).startswith(NO_JSON) for field in table.schema) or table.num_rows > 1000:
            continue
        batch = canonical_batch(table, reading=reading, row_ids=np.zeros(table.num_rows, np.int64))
        rejected = dict(zip(batch.rejected.tolist(), batch.reasons.to_pylist(), strict=True))
        accepted = {place: number for number, place in enumerate(batch.kept.tolist())}
        reader = RowReader(reading)
        for place, row in enumerate(table.to_pylist()):
            found = reader.read({key: spoken(value) for key, value in row.items()})
            assert list(found.reasons) == rejected.get(place, []), (name, place)
            odd += bool(found.reasons)
            if place in accepted:
                single = batch.accepted.slice(accepted[place], 1)
                values = canonical_values(single)
                given_ids = any(role.startswith("transaction_id") for role in reading.plan.columns)
                ours = dict(found.values) | ({} if given_ids else {"transaction_id": 0})
                assert equal(ours, values), (name, place, ours, values)
                plain += 1
        seen.add(name)
    assert len(seen) > 45
    assert plain > 1000
    assert odd > 20


def canonical_values(single):
    whole = {
        name: column.cast("int64") if str(column.type).startswith("timestamp") else column
        for name, column in zip(single.column_names, single.columns, strict=True)
    }
    return {name: column[0].as_py() for name, column in whole.items()}


VALUES = {
    "transaction_id": ["t1", 7, "0012", " t2", "", None, 1.0, "1e+15", "1.5E+15"],
    "event_time": [
        "2024-03-01T08:00:00Z", "2024-03-01 08:00:00.25+00:00", "2024-03-01T08:00:00", "2024-02-30T08:00:00Z",
        "2024-03-01T08:00:00-00:00", "2024-03-01 08:00:00.5-23:59", "2024-03-01T08:00:00+24:00",
        "2024-03-01", "1969-03-01T08:00:00Z", "2024-03-01T08:00:00+02:00", "soon", "", None,
        pd.Timestamp("2024-03-01T08:00:00Z").to_pydatetime(),
    ],
    "card_id": ["c1", None, "", " c 1", 4111, "4.54E+15", 2**63, -5],
    "merchant_id": ["m1", None, 3.0, 2.5, "Café", True],
    "amount": ["10.25", 10.25, 10, "0.005", 0.005, 1.005, "-1", "EUR 5", None, "", "(5)", 1e300, "1,5", True, "1e3"],
    "label": ["0", "1", 0, 1, None, "", "yes", "1.0", 1.0, True],
    "label_available_at": ["2024-03-09T08:00:00Z", None, "", "2024-02-09T08:00:00Z", "2024-03-01", "9999-12-31"],
    "merchant_category": ["grocery", None, " x ", 7, 3.0, "é"],
    "distance_km": [1.5, "2.5", 3, None, "nan", "inf", "far", float("inf"), 10**17],
    "action": ["approved", "blocked", "odd", None],
}  # fmt: skip
ALWAYS = ("transaction_id", "event_time", "amount", "label")
ROWS = st.fixed_dictionaries(
    {name: st.sampled_from(VALUES[name]) for name in ALWAYS},
    optional={name: st.sampled_from(values) for name, values in VALUES.items() if name not in ALWAYS},
)


@settings(deadline=None, max_examples=400)
@given(row=ROWS, key=st.sampled_from([None, b"a secret of sixteen bytes"]))
def test_a_row_read_value_by_value_is_the_row_read_as_a_table(row, key):
    reader = reader_of(hash_key=key)
    one = reader.read(row)
    plan = column_plan(HARBOR, list(row))
    other = judged_row(row, Reading(HARBOR, plan, 7 * DAY, hash_key=key))
    assert one.reasons == other.reasons
    assert equal(one.values, other.values)


def test_plain_rows_need_no_table(monkeypatch):
    def refused(*_):
        raise AssertionError("a plain row must be read value by value")

    monkeypatch.setattr("features.schema.one_row.judged_row", refused)
    assert reader_of().read(good_rows()[0]).values["amount_minor"] == 1025


def test_a_row_without_what_must_be_there_says_so_by_name():
    row = {name: value for name, value in good_rows()[0].items() if name not in ("amount", "event_time")}
    assert reader_of().read(row).reasons == ("event_time: must be given", "amount: must be given")
    live = {name: value for name, value in good_rows()[0].items() if not name.startswith("label")}
    assert reader_of().read(live).values["label"] is None
    nested = reader_of().read(good_rows()[0] | {"amount": {"eur": 5}})
    assert nested.reasons == ("amount: must hold plain values",)
    assert (
        reader_of().read(good_rows()[0] | {"merchant_id": "\ud800"}).reasons[0].startswith("merchant_id: must be UTF-8")
    )


@pytest.mark.parametrize("extra", [{}, {"note": "x", "another": 3}])
def test_columns_that_nobody_names_are_left_aside(extra):
    assert reader_of().read(good_rows()[0] | extra) == reader_of().read(good_rows()[0])
