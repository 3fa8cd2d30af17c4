"""Files as teams really have them, by the kind of what is unusual in them, each with what must come out.

All begin with the 40 good rows of the catalogue of bad input and spell them in another way. The right value is known
because the good rows are: what only spells otherwise must give their table, and what is wrong must go alone.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracles.bad_input import HEADER, ROWS, Row, csv, frame, good_rows, preset, text, typed

ALL = tuple(range(1, ROWS + 1))
LABELLED = {"label_available_at": 'column = "label_available_at"', "transaction_id": 'column = "transaction_id"'}


@dataclass(frozen=True)
class RealFile:
    """One entry.

    Attributes:
        source: what the job is given.
        settings: of section [data].
        rejected: rows that must be set aside, none else.
        same: columns that must be those of the good rows.
        values: of a column by place among the good rows; what must stand there.
        told: a piece of what the report must say.
        stopped: a piece of the message where the job must stop.
    """

    source: Any
    settings: dict[str, Any] = field(default_factory=dict)
    rejected: tuple[int, ...] = ()
    same: tuple[str, ...] = ("event_time", "amount", "label")
    values: dict[str, dict[int, Any]] = field(default_factory=dict)
    told: str = ""
    stopped: str = ""


@dataclass(frozen=True)
class Entry:
    """A generator with its kind."""

    kind: str
    name: str
    make: Callable[[Path], RealFile]


ENTRIES: list[Entry] = []


def kind(of: str) -> Callable[[Callable[[Path], RealFile]], Callable[[Path], RealFile]]:
    def entered(make: Callable[[Path], RealFile]) -> Callable[[Path], RealFile]:
        ENTRIES.append(Entry(of, make.__name__, make))
        return make

    return entered


def moments() -> list[datetime]:
    return [datetime.fromisoformat(row["event_time"]) for row in good_rows()]


def rows_with(**columns: Any) -> list[Row]:
    """The good rows with columns made of each row and its moment."""
    return [
        row | {name: str(make(row, moment)) for name, make in columns.items()}
        for row, moment in zip(good_rows(), moments(), strict=True)
    ]


def spelled(folder: Path, bad: dict[int, str] | None = None, **columns: Any) -> Path:
    rows = rows_with(**columns)
    for number, value in (bad or {}).items():
        rows[number - 1][next(iter(columns))] = value
    return csv(folder, text(rows))


def keys(folder: Path, top: str = "", **sections: str) -> dict[str, Any]:
    path = Path(preset(folder, **{**LABELLED, **sections}))
    path.write_text(top + path.read_text())
    return {"preset": str(path)}


# A bad value is judged alone (K1)


@kind("K1")
def offsets_of_two_digits_and_one_bad_time(folder: Path) -> RealFile:
    path = spelled(folder, {11: "soon"}, event_time=lambda row, t: f"{t:%Y-%m-%d %H:%M:%S}+00")
    return RealFile(path, rejected=(11,))


@kind("K1")
def hours_alone_and_one_bad_time(folder: Path) -> RealFile:
    return RealFile(spelled(folder, {7: "2024-02-30"}, event_time=lambda row, t: f"{t:%Y-%m-%dT%H}"), rejected=(7,))


@kind("K1")
def times_with_and_without_a_zone_and_one_bad_one(folder: Path) -> RealFile:
    def spell(row: Row, t: datetime) -> str:
        return f"{t:%Y-%m-%d %H:%M}" if t.hour % 2 else f"{t:%Y-%m-%dT%H:%M:%S}.000000000Z"

    return RealFile(spelled(folder, {3: "2024-03-01 25:00"}, event_time=spell), rejected=(3,))


@kind("K1")
def one_byte_that_is_no_text_beside_a_mark_that_is(folder: Path) -> RealFile:
    rows = good_rows()
    rows[4]["merchant_id"], rows[5]["merchant_id"] = "\ufffd", "CAFE\x00".replace("\x00", "É")
    content = text(rows).encode().replace("CAFEÉ".encode(), b"CAF\xc9")
    return RealFile(csv(folder, content), rejected=(6,), values={"merchant_id": {5: "\ufffd"}})


@kind("K1")
def one_amount_in_words_among_amounts_with_exponents(folder: Path) -> RealFile:
    path = spelled(folder, {9: "ten"}, amount=lambda row, t: f"{float(row['amount']):.4e}")
    return RealFile(path, rejected=(9,))


# Strict where libraries are lenient (K3)


@kind("K3")
def days_that_the_calendar_lacks(folder: Path) -> RealFile:
    bad = {1: "31.02.2024 10:00:00", 2: "30.02.2024 10:00:00", 3: "31.04.2024 10:00:00", 4: "01.03.2024 10:00:60"}
    path = spelled(folder, bad, event_time=lambda row, t: f"{t:%d.%m.%Y %H:%M:%S}")
    time = 'column = "event_time"\nformats = ["%d.%m.%Y %H:%M:%S"]'
    return RealFile(path, keys(folder, event_time=time), rejected=(1, 2, 3, 4))


@kind("K3")
def formats_with_and_without_a_zone(folder: Path) -> RealFile:
    def spell(row: Row, t: datetime) -> str:
        return f"{t:%Y-%m-%d %H:%M:%S}+0000" if t.hour % 2 else f"{t.astimezone(BRUSSELS):%Y-%m-%d %H:%M:%S}"

    time = 'column = "event_time"\ntimezone = "Europe/Brussels"\nformats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%z"]'
    return RealFile(spelled(folder, event_time=spell), keys(folder, event_time=time))


BRUSSELS = datetime.strptime("+0100", "%z").tzinfo


@kind("K3")
def times_of_twelve_bytes_with_an_open_end(folder: Path) -> RealFile:
    table = typed(frame().drop(columns="label_available_at"))
    never = pa.array([datetime(9999, 12, 31, tzinfo=UTC)] * ROWS, pa.timestamp("us", "UTC"))
    pq.write_table(
        table.append_column("label_available_at", never),
        folder / "rows.parquet",
        use_deprecated_int96_timestamps=True,
    )
    labels = {1: pd.Timestamp("9999-12-31", tz="UTC").as_unit("us").to_pydatetime()}
    return RealFile(folder / "rows.parquet", values={"label_available_at": labels})


@kind("K3")
def one_label_time_in_another_unit(folder: Path) -> RealFile:
    path = spelled(folder, {5: "1710000000000"}, label_available_at=lambda row, t: int(t.timestamp()) + 10**6)
    label = 'kind = "epoch"\nunit = "s"\ncolumn = "label_available_at"'
    return RealFile(path, keys(folder, label_available_at=label), rejected=(5,))


@kind("K3")
def ids_of_sixteen_bytes(folder: Path) -> RealFile:
    numbers = pa.array([uuid.UUID(int=n).bytes for n in range(ROWS)], pa.binary(16))
    table = typed(frame())
    ids = pa.ExtensionArray.from_storage(pa.uuid(), numbers)
    pq.write_table(table.set_column(0, "transaction_id", ids), folder / "rows.parquet")
    return RealFile(folder / "rows.parquet", values={"transaction_id": {2: str(uuid.UUID(int=1))}})


@kind("K3")
def bytes_of_one_length_without_a_name(folder: Path) -> RealFile:
    numbers = pa.array([uuid.UUID(int=n).bytes for n in range(ROWS)], pa.binary(16))
    pq.write_table(typed(frame()).set_column(0, "transaction_id", numbers), folder / "rows.parquet")
    return RealFile(folder / "rows.parquet", values={"transaction_id": {2: uuid.UUID(int=1).hex}})


@kind("K3")
def a_length_of_time_for_a_time(folder: Path) -> RealFile:
    table = typed(frame()).set_column(1, "event_time", pa.array(range(ROWS), pa.duration("s")))
    pq.write_table(table, folder / "rows.parquet")
    return RealFile(folder / "rows.parquet", stopped="'event_time': must hold plain values, got duration[s]")


@kind("K3")
def truth_values_for_amounts(folder: Path) -> RealFile:
    table = typed(frame())
    place = table.column_names.index("amount")
    pq.write_table(table.set_column(place, "amount", pa.array([True] * ROWS)), folder / "rows.parquet")
    return RealFile(folder / "rows.parquet", stopped="'amount': must hold numbers, got bool")


# One value in two spellings, and placeholders (K4)


@kind("K4")
def unknown_cards_as_words(folder: Path) -> RealFile:
    words = {11: "\\N", 12: "NULL", 13: "-1"}
    rows = good_rows()
    for number, word in words.items():
        rows[number - 1]["card_id"] = word
    card = 'column = "card_id"\nmissing = ["\\\\N", "NULL", "-1"]'
    settings = keys(folder, **{"entities.card_id": card})
    return RealFile(csv(folder, text(rows)), settings, values={"card_id": {11: None, 12: None, 13: None, 14: "c6"}})


@kind("K4")
def unknown_cards_that_nobody_named(folder: Path) -> RealFile:
    rows = [row | {"card_id": "NULL" if n % 3 == 0 else row["card_id"]} for n, row in enumerate(good_rows())]
    return RealFile(csv(folder, text(rows)), told="card_id: about 35.0% of the rows hold NULL")


@kind("K4")
def countries_and_shops_in_two_cases(folder: Path) -> RealFile:
    rows = [
        row
        | {
            "country": ("be", "BE", "Be")[n % 3],
            "merchant_id": row["merchant_id"].upper() if n % 2 else row["merchant_id"],
        }
        for n, row in enumerate(good_rows())
    ]
    settings = keys(folder, **{"entities.merchant_id": 'column = "merchant_id"\nupper = true'})
    path = Path(settings["preset"])
    path.write_text(path.read_text() + '\n[[categorical]]\ncolumns = ["country"]\nupper = true\n')
    values = {"country": dict.fromkeys(ALL, "BE"), "merchant_id": {1: "M0", 2: "M1"}}
    return RealFile(csv(folder, text(rows, [*HEADER, "country"])), settings, values=values)


@kind("K4")
def shops_as_floats_beside_whole_numbers(folder: Path) -> RealFile:
    path = spelled(folder, merchant_id=lambda row, t: f"{row['merchant_id'][1:]}{'.0' if t.hour % 2 else ''}")
    settings = keys(folder, **{"entities.merchant_id": 'column = "merchant_id"\nwhole_numbers = true'})
    return RealFile(path, settings, values={"merchant_id": {1: "0", 2: "1", 3: "2"}})


@kind("K4")
def cards_that_a_spreadsheet_shortened(folder: Path) -> RealFile:
    path = spelled(folder, card_id=lambda row, t: f"{4539578763621486 + t.hour:.2E}")
    return RealFile(path, rejected=ALL, stopped="card_id: must be written in full")


@kind("K4")
def joined_keys_with_zeros_in_front(folder: Path) -> RealFile:
    table = typed(frame().assign(transaction_id=range(ROWS))).drop_columns(["label", "label_available_at"])
    pq.write_table(table, folder / "rows.parquet")
    beside = [f"{n:020d},{row['label']}" for n, row in enumerate(good_rows())]
    csv(folder, "\n".join(["transaction_id,label", *beside]) + "\n", "side.csv")
    settings = keys(folder, join='files = "side*"\non = "transaction_id"')
    return RealFile([str(folder / "rows.parquet"), str(folder / "side.csv")], settings, told="'with_partner': 40")


@kind("K4")
def joined_keys_that_are_spelled_otherwise(folder: Path) -> RealFile:
    main = csv(folder, text(good_rows(), HEADER[:5]), "rows.csv")
    csv(folder, "transaction_id,label\nT-000,1\n", "side.csv")
    settings = keys(folder, join='files = "side*"\non = "transaction_id"')
    return RealFile([str(main), str(folder / "side.csv")], settings, stopped="none of 1 keys in 'transaction_id'")


# One reading of types (K6)


@kind("K6")
def decimals_of_a_warehouse(folder: Path) -> RealFile:
    rows = good_rows()
    columns = {
        "transaction_id": pa.array([Decimal(n) for n in range(ROWS)], pa.decimal128(38, 0)),
        "event_time": pa.array(moments(), pa.timestamp("us", "UTC")),
        "amount": pa.array([Decimal(row["amount"]) for row in rows], pa.decimal128(38, 18)),
        "label": pa.array([Decimal(row["label"]) for row in rows], pa.decimal128(38, 10)),
        "card_id": pa.array([Decimal(n % 7) for n in range(ROWS)], pa.decimal128(38, 10)),
    }
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    return RealFile(folder / "rows.parquet", values={"transaction_id": {8: "7"}, "card_id": {8: "0", 9: "1"}})


@kind("K6")
def labels_as_truth_values_in_a_dictionary(folder: Path) -> RealFile:
    table = typed(frame())
    labels = pa.array([row["label"] == "1" for row in good_rows()])
    place = table.column_names.index("label")
    table = table.set_column(place, "label", labels)
    table = table.set_column(2, "card_id", pa.array([row["card_id"] for row in good_rows()]).dictionary_encode())
    pq.write_table(table, folder / "rows.parquet")
    return RealFile(folder / "rows.parquet", values={"card_id": {2: "c1"}})


# Layouts that a preset must be able to say


@kind("K11")
def bigquery_times(folder: Path) -> RealFile:
    return RealFile(spelled(folder, event_time=lambda row, t: f"{t:%Y-%m-%d %H:%M:%S} UTC"))


@kind("K11")
def formats_with_a_fraction(folder: Path) -> RealFile:
    path = spelled(folder, event_time=lambda row, t: f"{t:%Y-%m-%d %H:%M:%S}{'.000' if t.hour % 2 else ''} UTC")
    time = 'column = "event_time"\nformats = ["%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC"]'
    return RealFile(path, keys(folder, event_time=time))


def apart(folder: Path, clock: str, time: str) -> RealFile:
    rows = [row | {"d": f"{t:%Y-%m-%d}", "t": f"{t:{clock}}"} for row, t in zip(good_rows(), moments(), strict=True)]
    for row in rows:
        row["t"] = row["t"].lstrip("0") or "0" if ":" not in row["t"] else row["t"]
    path = csv(folder, text(rows, [*(name for name in HEADER if name != "event_time"), "d", "t"]))
    return RealFile(path, keys(folder, event_time=time))


@kind("K11")
def date_and_time_of_day_in_two_columns(folder: Path) -> RealFile:
    return apart(folder, "%H:%M:%S", 'kind = "parts"\ncolumn = "d"\ntime = "t"')


@kind("K11")
def times_of_day_as_numbers(folder: Path) -> RealFile:
    return apart(folder, "%H%M%S", 'column = "d"\ntime = "t"')


@kind("K11")
def times_of_day_as_numbers_without_seconds(folder: Path) -> RealFile:
    return apart(folder, "%H%M", 'column = "d"\ntime = "t"\nformats = ["%Y-%m-%d %H%M"]')


@kind("K11")
def dates_without_their_time_of_day(folder: Path) -> RealFile:
    rows = [row | {"event_time": f"2024-03-{1 + n // 2:02d}"} for n, row in enumerate(good_rows())]
    path = csv(folder, text(rows, [name for name in HEADER if name != "label_available_at"]))
    return RealFile(path, told="all times lie in one hour of the day", same=("amount", "label"))


@kind("K11")
def another_encoding(folder: Path) -> RealFile:
    rows = good_rows()
    rows[4]["merchant_id"] = "Café €"
    settings = keys(folder, 'encoding = "cp1252"\n', **{"entities.merchant_id": 'column = "merchant_id"'})
    return RealFile(csv(folder, text(rows).encode("cp1252")), settings, values={"merchant_id": {5: "Café €"}})


@kind("K11")
def two_bytes_a_letter(folder: Path) -> RealFile:
    return RealFile(csv(folder, text(good_rows()).encode("utf-16")), keys(folder, 'encoding = "utf-16"\n'))


@kind("K11")
def decimal_commas_everywhere(folder: Path) -> RealFile:
    rows = [
        row | {"km": f"1.234,{n:02d}", "amount": row["amount"].replace(".", ",")} for n, row in enumerate(good_rows())
    ]
    settings = keys(folder, 'delimiter = ";"\n', amount='column = "amount"\ndecimal = ","')
    path = Path(settings["preset"])
    path.write_text(path.read_text() + '\n[[numeric]]\ncolumns = ["km"]\ndecimal = ","\nthousands = "."\n')
    values = {"km": {1: 1234.0, 40: 1234.39}}
    return RealFile(csv(folder, text(rows, [*HEADER, "km"], ";")), settings, values=values)


@kind("K11")
def thousands_that_nobody_named(folder: Path) -> RealFile:
    path = spelled(folder, {8: '"1,234.50"'}, amount=lambda row, t: row["amount"])
    return RealFile(path, rejected=(8,), told="thousands = ',' in the preset would read it")


@kind("K11")
def spaces_that_do_not_break(folder: Path) -> RealFile:
    path = spelled(folder, amount=lambda row, t: f"1\u202f0{row['amount']}\u00a0€".replace(".", ","))
    path.write_text(path.read_text().replace(",", ";").replace("25\u00a0", "25\u00a0"))
    rows = rows_with(amount=lambda row, t: f"1\u202f0{row['amount']}\u00a0€".replace(".", ","))
    amount = 'column = "amount"\ndecimal = ","\nthousands = " "\ncurrency = "€"'
    settings = keys(folder, 'delimiter = ";"\n', amount=amount)
    return RealFile(
        csv(folder, text(rows, delimiter=";")), settings, same=("event_time", "label"), values={"amount": {1: 1010.25}}
    )


def refunds(folder: Path, spelling: str) -> RealFile:
    path = spelled(folder, {10: spelling}, amount=lambda row, t: row["amount"])
    settings = keys(folder, amount='column = "amount"\nrefund = "is_refund"')
    return RealFile(path, settings, values={"amount": {10: 19.25}, "is_refund": {9: "false", 10: "true"}})


@kind("K11")
def refunds_in_parentheses(folder: Path) -> RealFile:
    return refunds(folder, "(19.25)")


@kind("K11")
def refunds_with_the_minus_behind(folder: Path) -> RealFile:
    return refunds(folder, "19.25-")


@kind("K11")
def refunds_with_a_true_minus(folder: Path) -> RealFile:
    return refunds(folder, "\u221219.25")


def yen_and_dollars(folder: Path, **columns: Any) -> Path:
    def amount(row: Row, t: datetime) -> str:
        return str(int(float(row["amount"]) * 400)) if t.hour % 4 == 0 else row["amount"]

    rows = rows_with(amount=amount, currency=lambda row, t: "JPY" if t.hour % 4 == 0 else "USD", **columns)
    return csv(folder, text(rows, [*HEADER, "currency"]))


@kind("K11")
def two_currencies_without_rates(folder: Path) -> RealFile:
    stopped = "amounts must be in one currency, got 2 (JPY, USD)"
    return RealFile(yen_and_dollars(folder), {"categorical": ["currency"]}, stopped=stopped)


@kind("K11")
def two_currencies_with_rates(folder: Path) -> RealFile:
    (folder / "rates.csv").write_text("currency,date,rate\nJPY,2024-01-01,0.0025\nJPY,2024-06-01,7\n")
    settings = keys(folder, currency='column = "currency"\ntarget = "USD"\nrates = "rates.csv"')
    return RealFile(yen_and_dollars(folder), settings)


@kind("K11")
def minor_units_of_every_currency(folder: Path) -> RealFile:
    (folder / "rates.csv").write_text("currency,rate\nJPY,0.0025\n")

    def minor(row: Row, t: datetime) -> int:
        return int(float(row["amount"]) * (400 if t.hour % 4 == 0 else 100))

    rows = rows_with(amount=minor, currency=lambda row, t: "JPY" if t.hour % 4 == 0 else "USD")
    settings = keys(
        folder,
        amount='column = "amount"\nunit = "minor"',
        currency='column = "currency"\ntarget = "USD"\nrates = "rates.csv"',
    )
    return RealFile(csv(folder, text(rows, [*HEADER, "currency"])), settings)


@kind("K11")
def cents_of_one_currency(folder: Path) -> RealFile:
    path = spelled(folder, amount=lambda row, t: row["amount"].replace(".", ""))
    return RealFile(path, keys(folder, amount='column = "amount"\nunit = "minor"'))


@kind("K11")
def clearing_behind_its_authorization(folder: Path) -> RealFile:
    rows = [row | {"step": "auth", "amount": "1.00"} for row in good_rows()]
    rows += [row | {"step": "Clearing"} for row in good_rows()]
    settings = keys(folder, repeats='keep = "last"\ncolumn = "step"\norder = ["auth", "clearing"]')
    return RealFile(csv(folder, text(rows[::-1], [*HEADER, "step"])), settings, rejected=tuple(range(41, 81)))


@kind("K11")
def clearing_that_nobody_named(folder: Path) -> RealFile:
    rows = [*good_rows(), good_rows()[0] | {"amount": "12.00"}]
    return RealFile(csv(folder, text(rows)), rejected=(1, 41), told="repeats in the preset can say which counts")


@kind("K11")
def a_later_delivery_knows_the_labels(folder: Path) -> RealFile:
    first = [row | {"label": ""} for row in good_rows()]
    csv(folder, text(first), "2024-03.csv")
    csv(folder, text(good_rows()), "2024-06.csv")
    return RealFile(f"{folder}/2024-*.csv", rejected=ALL, told="'labelled_later': 40")


@kind("K11")
def a_later_delivery_changes_the_labels(folder: Path) -> RealFile:
    csv(folder, text([row | {"label": "0"} for row in good_rows()]), "2024-03.csv")
    csv(folder, text(good_rows()), "2024-06.csv")
    told = "40 rows gave way to another one of their id (repeats); 0 ids were fraud"
    return RealFile(f"{folder}/2024-*.csv", keys(folder, repeats='keep = "last"'), rejected=ALL, told=told)


@kind("K11")
def labels_that_are_not_known_yet(folder: Path) -> RealFile:
    path = spelled(folder, {39: "-1", 40: "Pending"}, label=lambda row, t: row["label"])
    settings = keys(folder, label='column = "label"\nunknown = ["-1", "pending"]')
    return RealFile(path, settings, same=("event_time", "amount"), values={"label": {5: 1, 39: None, 40: None}})


@kind("K11")
def a_file_of_frauds_beside_the_transactions(folder: Path) -> RealFile:
    main = csv(folder, text(good_rows(), HEADER[:5]), "rows.csv")
    frauds = [row for row in good_rows() if row["label"] == "1"]
    names = ["transaction_id", "label", "label_available_at"]
    csv(folder, text([*frauds, frauds[0]], names), "cb.csv")
    settings = keys(folder, label='column = "label"\nabsent = "no"', join='files = "cb*"\non = "transaction_id"')
    told = "1 rows of the joined file repeat another one"
    return RealFile([str(main), str(folder / "cb.csv")], settings, told=told)


@kind("K11")
def frauds_that_are_reported_on_their_own_day(folder: Path) -> RealFile:
    path = spelled(folder, label_available_at=lambda row, t: f"{t:%Y-%m-%d}")
    ends = {1: pd.Timestamp("2024-03-01T23:59:59.999999Z").to_pydatetime()}
    return RealFile(path, values={"label_available_at": ends})


@kind("K11")
def frauds_that_are_reported_at_a_midnight_before(folder: Path) -> RealFile:
    path = spelled(folder, label_available_at=lambda row, t: f"{t:%Y-%m-%d} 00:00:00")
    ends = {1: pd.Timestamp("2024-03-01T23:59:59.999999Z").to_pydatetime()}
    return RealFile(path, values={"label_available_at": ends})


@kind("K11")
def json_lines(folder: Path) -> RealFile:
    frame_ = pd.DataFrame(good_rows()).assign(amount=lambda rows: rows["amount"].astype(float))
    content = "\ufeff\n" + frame_.to_json(orient="records", lines=True)
    return RealFile(csv(folder, content, "rows.jsonl"), values={"transaction_id": {1: "t000"}})
