"""Amounts of several currencies as amounts of one: minor units of each, and rates that change from day to day."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import InputError
from features.schema.column_text import text_values
from features.schema.faults import Mask
from features.schema.instants import NOT_A_TIME
from features.schema.preset import Preset
from features.times import DAY

USUAL_DIGITS = 2
WITHOUT_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
IN_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
DIGITS = {**dict.fromkeys(WITHOUT_CENTS.split(), 0), **dict.fromkeys(IN_THOUSANDTHS.split(), 3)}
"""Decimal places of currencies that do not have two (ISO 4217)."""
CODE = r"^(?:[A-Z]{3}|[0-9]{3})$"


@dataclass(frozen=True)
class RateTable:
    """What one unit of a currency is worth in the target currency, from a day on.

    Attributes:
        days: the first day of each rate since 1970, ascending, by currency.
        rates: the rates, by currency.
    """

    days: Mapping[str, NDArray[np.int64]]
    rates: Mapping[str, NDArray[np.float64]]

    def on(self, currency: str, days: NDArray[np.int64]) -> NDArray[np.float64]:
        """The rate that held on each day [N], NaN where there is none yet."""
        if currency not in self.days:
            return np.full(len(days), np.nan)
        place = np.searchsorted(self.days[currency], days, side="right") - 1
        return np.where(place < 0, np.nan, self.rates[currency][np.maximum(place, 0)])


@dataclass(frozen=True)
class OneCurrency:
    """Amounts in one currency: their values [N], rows at fault by reason, and rows of each currency."""

    values: NDArray[np.float64]
    faults: Mapping[str, Mask]
    currencies: Mapping[str, int]


def rate_table(currencies: pa.Array, days: NDArray[np.int64], rates: NDArray[np.float64]) -> RateTable:
    """The table of its rows.

    Args:
        currencies: codes [N].
        days: since 1970, the first on which the rate holds [N].
        rates: units of the target in one unit [N].

    Raises:
        InputError: a rate is no positive number, or a currency has two on one day.
    """
    wrong = np.flatnonzero(~(np.isfinite(rates) & (rates > 0)))
    if len(wrong):
        raise InputError(f"every rate must be a number above 0, {_first_wrong(currencies, rates, wrong)}")
    codes = np.array(pc.utf8_upper(currencies).to_pylist(), str)
    found_days, found_rates = {}, {}
    for code in np.unique(codes).tolist():
        rows = np.flatnonzero(codes == code)
        rows = rows[np.argsort(days[rows], kind="stable")]
        if len(np.unique(days[rows])) < len(rows):
            raise InputError("every currency must have one rate a day, got two of one day")
        found_days[code], found_rates[code] = days[rows], rates[rows]
    return RateTable(found_days, found_rates)


def _first_wrong(currencies: pa.Array, rates: NDArray[np.float64], wrong: NDArray[np.int64]) -> str:
    """What came first in place of a rate, without its value, and how many more did."""
    row = int(wrong[0])
    got, code = "got none" if np.isnan(rates[row]) else "got another", str(currencies[row].as_py()).strip().upper()
    named = f" for {code}" if re.fullmatch(CODE, code) else ""
    more = f" ({len(wrong):,} rows like it)" if len(wrong) > 1 else ""
    return f"{got}{named} in row {row + 1}{more}"


def source_currencies(column: pa.Array, preset: Preset) -> pa.Array:
    """Currency codes in upper case; numeric ones with their leading zeros, null where there is none."""
    text = pc.utf8_upper(text_values(column, quotes=preset.quotes))
    digits = pc.fill_null(pc.match_substring_regex(text, r"^[0-9]{1,2}$"), False)
    return pc.if_else(digits, pc.utf8_lpad(text, 3, "0"), text)


def in_one_currency(
    amounts: NDArray[np.float64],
    currencies: pa.Array | None,
    preset: Preset,
    *,
    rates: RateTable | None,
    time: NDArray[np.int64],
) -> OneCurrency:
    """Amounts in major units of the target currency.

    Args:
        amounts: as the source has them [N].
        currencies: codes [N]; None where the source names none.
        preset: says whether they are minor units, and what the target is.
        rates: what other currencies are worth; without any, amounts stay in their own.
        time: microseconds since 1970 of each row [N].
    """
    amount, spec = preset.amount, preset.currency
    if currencies is None:
        return OneCurrency(amounts / amount.scale, {}, {})
    encoded = currencies.dictionary_encode()
    names, code = encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    values = amounts.copy()
    if amount.unit == "minor":
        own = {} if spec is None else spec.minor_digits
        powers = [10.0 ** own.get(name, DIGITS.get(name, USUAL_DIGITS)) for name in names]
        values /= np.array([*powers, float(amount.scale)])[code]
    unknown = (code < 0) | ~_codes(names)[code]
    faults = {"currency: must be a code such as EUR or 978": unknown} if spec is not None else {}
    if rates is not None and spec is not None:
        values, without = _converted(values, names, code, spec.target, rates=rates, time=time, scale=amount.scale)
        faults["currency: must have a rate on the day of the transaction"] = without & ~unknown
    rows = np.bincount(code + 1, minlength=len(names) + 1)[1:]
    counted = {name: int(count) for name, count, fine in zip(names, rows, _codes(names), strict=False) if fine}
    return OneCurrency(values, faults, {} if spec is not None and spec.converted else counted)


def _codes(names: list[str]) -> Mask:
    """Which of the names are currency codes; the last entry stands for rows without one."""
    return np.array([*pc.match_substring_regex(pa.array(names, pa.string()), CODE).to_pylist(), False], bool)


def _converted(
    amounts: NDArray[np.float64],
    names: list[str],
    code: NDArray[np.int64],
    target: str,
    *,
    rates: RateTable,
    time: NDArray[np.int64],
    scale: int,
) -> tuple[NDArray[np.float64], Mask]:
    """Amounts in the target, to its minor unit, and the rows that no rate converts."""
    values, without = amounts.copy(), np.zeros(len(amounts), bool)
    days = np.where(time == NOT_A_TIME, 0, time) // DAY
    for place, name in enumerate(names):
        if name == target.upper():
            continue
        rows = np.flatnonzero(code == place)
        rate = rates.on(name, days[rows])
        without[rows] = np.isnan(rate)
        values[rows] = np.where(np.isnan(rate), 0.0, np.rint(amounts[rows] * np.nan_to_num(rate) * scale) / scale)
    return values, without
