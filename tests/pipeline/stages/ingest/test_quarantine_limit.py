import numpy as np
import pyarrow as pa
import pytest

from features.schema.duplicates import LABELLED, REPLACED
from features.schema.preset import CurrencyColumn
from pipeline.sections import DataConfig
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.quarantine_limit import (
    SHOWN_REASONS,
    check_currencies,
    check_quarantined_share,
    check_some_rows,
)
from pipeline.storage.errors import InputError
from tests.fixtures.reports import MAY_DAY


def first_pass(*, rows_in, bad=(), after_as_of=0):
    """A pass that has seen so many rows, the reasons given for the first of them."""
    found = FirstPass(None, None)
    found.rows_in, found.after_as_of, found.rows_of = rows_in, after_as_of, {"a.csv": rows_in}
    reasons = pa.array([[reason] for reason in bad], pa.list_(pa.string()))
    found.quarantine.add("a.csv", np.arange(1, len(bad) + 1), reasons)
    return found


@pytest.mark.parametrize(("bad", "stops"), [(2, False), (3, True)])
def test_a_share_of_bad_rows_up_to_the_limit_passes(bad, stops):
    first = first_pass(rows_in=10, bad=["amount: bad"] * bad)
    if not stops:
        check_quarantined_share(first, 0.2)
        return
    with pytest.raises(InputError, match=r"3 of 10 rows cannot be used \(30\.0%\), .* allows 20\.0%"):
        check_quarantined_share(first, 0.2)


def test_a_source_of_bad_rows_alone_stops_whatever_is_allowed():
    with pytest.raises(InputError, match=r"2 of 2 rows cannot be used"):
        check_quarantined_share(first_pass(rows_in=2, bad=["label: bad"] * 2), 1.0)


def test_the_most_frequent_reason_stands_first_with_its_first_row():
    first = first_pass(rows_in=4, bad=["label: bad", "amount: bad", "amount: bad"])
    with pytest.raises(InputError, match=r"\n  amount: bad in row 2 of a\.csv \(2 rows .*\n  label: bad in row 1 of"):
        check_quarantined_share(first, 0.1)


def test_no_more_reasons_are_told_than_a_screen_holds():
    first = first_pass(rows_in=20, bad=[f"amount: {n}" for n in range(SHOWN_REASONS + 3)])
    with pytest.raises(InputError, match=r"\n  and 3 more reasons$") as refused:
        check_quarantined_share(first, 0.1)
    assert len(str(refused.value).splitlines()) == SHOWN_REASONS + 2


def test_a_source_without_rows_is_refused_by_its_files():
    with pytest.raises(InputError, match=r"at least one row, got 0 in a\.csv"):
        check_some_rows(first_pass(rows_in=0), None)


def test_a_source_that_begins_after_as_of_is_refused_with_the_moment():
    with pytest.raises(InputError, match=r"up to 2024-05-01T00:00:00\+00:00, all 7 rows lie after it"):
        check_some_rows(first_pass(rows_in=0, after_as_of=7), MAY_DAY)


@pytest.mark.parametrize("reason", [LABELLED, REPLACED])
def test_a_row_that_gave_way_to_another_one_of_its_id_is_no_bad_row(reason):
    check_quarantined_share(first_pass(rows_in=4, bad=[reason] * 3), 0.1)


def of_currencies(*names):
    first = first_pass(rows_in=4)
    first.counts.update({f"currency: {name}": 2 for name in names})
    return first


def test_amounts_of_several_currencies_are_refused_by_their_names():
    with pytest.raises(InputError, match=r"must be in one currency, got 2 \(JPY, USD\)"):
        check_currencies(of_currencies("USD", "JPY"), load_preset(DataConfig()))


def test_one_currency_and_several_with_rates_pass():
    check_currencies(of_currencies("USD"), load_preset(DataConfig()))
    currency = CurrencyColumn(column="c", target="EUR", rates="rates.csv")
    check_currencies(of_currencies("USD", "JPY"), load_preset(DataConfig()).model_copy(update={"currency": currency}))
