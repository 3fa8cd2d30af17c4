import numpy as np
import pyarrow as pa
import pytest

from features.errors import InputError
from features.schema.currencies import in_one_currency, rate_table, source_currencies
from features.schema.preset import preset_from_dict
from features.times import DAY

SMALLEST = {"event_time": {"column": "t"}, "amount": {"column": "a"}, "label": {"column": "l"}}
RATES = rate_table(pa.array(["JPY", "jpy", "USD"]), np.array([100, 0, 0]), np.array([0.02, 0.01, 1.0]))


def preset(unit="major", **currency):
    keys = {"currency": {"column": "c", **currency}} if currency else {}
    return preset_from_dict(SMALLEST | {"amount": {"column": "a", "unit": unit}} | keys)


def converted(amounts, names, keys, *, days=None, rates=RATES):
    time = np.zeros(len(amounts), np.int64) if days is None else np.array(days) * DAY
    column = None if names is None else pa.array(names, pa.string())
    found = in_one_currency(np.array(amounts, float), column, keys, rates=rates, time=time)
    return found.values.tolist(), {why: np.flatnonzero(rows).tolist() for why, rows in found.faults.items()}, found


def test_amounts_become_the_target_at_the_rate_of_their_day():
    keys = preset(target="EUR", rates="r.csv")
    values, faults, found = converted([1000, 1000, 1000, 7], ["JPY"] * 3 + ["EUR"], keys, days=[0, 99, 100, 5])
    assert values == [10.0, 10.0, 20.0, 7.0]
    assert not any(faults.values())
    assert found.currencies == {"JPY": 3, "EUR": 1}


def test_a_converted_amount_is_whole_in_minor_units_of_the_target():
    values, _, _ = converted([333, 12.345], ["JPY", "EUR"], preset(target="EUR", rates="r.csv"), days=[100, 100])
    assert values == [6.66, 12.345]


def test_a_currency_without_a_rate_on_the_day_is_a_fault_of_its_row():
    keys = preset(target="EUR", rates="r.csv")
    _, faults, _ = converted([1, 1, 1, 1], ["JPY", "CHF", None, "euros"], keys, days=[-1, 5, 5, 5])
    assert faults["currency: must have a rate on the day of the transaction"] == [0, 1]
    assert faults["currency: must be a code such as EUR or 978"] == [2, 3]


def test_minor_units_are_as_many_as_the_currency_has():
    keys = preset("minor", target="EUR", converted=True, minor_digits={"CLF": 4})
    values, _, found = converted([1250, 1250, 1250, 12500], ["EUR", "JPY", "KWD", "CLF"], keys, rates=None)
    assert values == [12.5, 1250.0, 1.25, 1.25]
    assert found.currencies == {}


def test_minor_units_without_a_currency_are_those_of_the_scale():
    assert converted([1250], None, preset("minor"), rates=None)[0] == [12.5]


def test_codes_are_read_in_any_case_and_numbers_keep_their_zeros():
    codes = source_currencies(pa.array([" eur", "8", "978", ""]), preset())
    assert codes.to_pylist() == ["EUR", "008", "978", None]


@pytest.mark.parametrize(
    ("names", "days", "rates", "said"),
    [
        (["EUR", "USD"], [0, 0], [1.0, 0.0], r"a number above 0, got another for USD in row 2$"),
        (["EUR"], [0], [np.nan], r"a number above 0, got none for EUR in row 1$"),
        (["4929123412341234", "EUR"], [0, 0], [np.nan, -1.0], r"above 0, got none in row 1 \(2 rows like it\)$"),
        (["EUR", "eur"], [3, 3], [1.0, 2.0], "one rate a day"),
    ],
)
def test_a_table_of_rates_that_cannot_be_is_refused(names, days, rates, said):
    with pytest.raises(InputError, match=said):
        rate_table(pa.array(names), np.array(days), np.array(rates))
