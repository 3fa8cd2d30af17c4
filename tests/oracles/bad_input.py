"""The catalogue of bad input: one generator for each way a source can be wrong, and how the job must end.

Each case begins with 40 good rows in the layout of the preset `harbor` and spoils them in one way. It must end in
exactly one of: all rows accepted (and the report tells what was changed), the spoilt rows quarantined with a reason and
the others accepted, or the job stopped with a message. Nothing may pass without a word.
"""

import gzip
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 40
HEADER = ["transaction_id", "event_time", "card_id", "merchant_id", "amount", "label", "label_available_at"]
Row = dict[str, str]


@dataclass(frozen=True)
class Spoilt:
    """What a generator made: where the source lies, settings to read it with, and rows that must not be accepted."""

    source: Any
    settings: dict[str, Any] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    as_of: str | None = None


@dataclass(frozen=True)
class Case:
    """One entry: `end` is accepted, quarantined or stopped; `told` is a piece of the reason, message or report."""

    name: str
    end: str
    told: str
    make: Callable[[Path], Spoilt]


CASES: list[Case] = []


def case(end: str, told: str = "") -> Callable[[Callable[[Path], Spoilt]], Callable[[Path], Spoilt]]:
    def entered(make: Callable[[Path], Spoilt]) -> Callable[[Path], Spoilt]:
        CASES.append(Case(make.__name__, end, told, make))
        return make

    return entered


def good_rows() -> list[Row]:
    start = pd.Timestamp("2024-03-01T08:00:00Z")
    return [
        {
            "transaction_id": f"t{number:03d}",
            "event_time": (start + pd.Timedelta(hours=number)).isoformat(),
            "card_id": f"c{number % 7}",
            "merchant_id": f"m{number % 5}",
            "amount": f"{10 + number}.25",
            "label": str(int(number % 13 == 4)),
            "label_available_at": (start + pd.Timedelta(days=9, hours=number)).isoformat(),
        }
        for number in range(ROWS)
    ]


def text(rows: list[Row], header: list[str] | None = None, delimiter: str = ",") -> str:
    names = HEADER if header is None else header
    lines = [delimiter.join(names), *(delimiter.join(row[name] for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


def csv(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def spoil(folder: Path, column: str, *values: str) -> Spoilt:
    """Rows 11, 12, ... get these values in one column."""
    rows = good_rows()
    for number, value in enumerate(values, start=11):
        rows[number - 1][column] = value
    return Spoilt(csv(folder, text(rows)), rows=tuple(range(11, 11 + len(values))))


def frame() -> pd.DataFrame:
    """The good rows as a table library types them."""
    whole = pd.DataFrame(good_rows())
    whole["amount"] = whole["amount"].astype(float)
    whole["label"] = whole["label"].astype("int8")
    for name in ("event_time", "label_available_at"):
        whole[name] = pd.to_datetime(whole[name]).astype("datetime64[us, UTC]")
    return whole


def typed(whole: pd.DataFrame) -> pa.Table:
    zoned = [name for name in whole if isinstance(whole[name].dtype, pd.DatetimeTZDtype)]
    plain = whole.assign(**{name: whole[name].dt.tz_convert(None) for name in zoned})
    table = pa.Table.from_pandas(plain, preserve_index=False)
    for name in zoned:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")))
    return table


def parquet(folder: Path, table: pd.DataFrame | pa.Table, **options: Any) -> Path:
    pq.write_table(table if isinstance(table, pa.Table) else typed(table), folder / "data.parquet", **options)
    return folder / "data.parquet"


def preset(folder: Path, **keys: str) -> str:
    """A preset file in the layout of the rows; a keyword replaces the section of that name."""
    sections = {
        "event_time": 'column = "event_time"',
        "amount": 'column = "amount"',
        "label": 'column = "label"',
    } | keys
    (folder / "mine.toml").write_text("\n".join(f"[{name}]\n{body}" for name, body in sections.items()))
    return str(folder / "mine.toml")


# Files


@case("stopped", "does not exist")
def missing_file(folder: Path) -> Spoilt:
    return Spoilt(folder / "nowhere.csv")


@case("stopped", "is empty")
def empty_file(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, ""))


@case("stopped", "at least one row")
def header_without_rows(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text([])))


@case("stopped", "at least one row")
def parquet_without_rows(folder: Path) -> Spoilt:
    return Spoilt(parquet(folder, frame().iloc[:0]))


@case("stopped", "cannot be read")
def truncated_parquet(folder: Path) -> Spoilt:
    path = parquet(folder, frame())
    path.write_bytes(path.read_bytes()[:-200])
    return Spoilt(path)


@case("stopped", "cannot be read to its end")
def flipped_bit_in_a_parquet_page(folder: Path) -> Spoilt:
    path = parquet(folder, frame(), write_page_checksum=True, compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    place = content.index(b"m3")
    content[place] ^= 1
    path.write_bytes(bytes(content))
    return Spoilt(path)


@case("quarantined", "must end in a line break")
def csv_cut_inside_a_number(folder: Path) -> Spoilt:
    names = [name for name in HEADER if name != "amount"] + ["amount"]
    return Spoilt(csv(folder, text(good_rows(), names)[:-4]), rows=(ROWS,))


@case("quarantined", "must have 7 fields")
def csv_cut_inside_a_row(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())[:-70]), rows=(ROWS,))


@case("stopped", "ends inside one")
def csv_cut_inside_quotes(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()) + 't900,2024-03-05T00:00:00Z,c1,"Caf'))


@case("stopped", "ends inside one")
def quote_that_never_closes_in_the_last_column(folder: Path) -> Spoilt:
    names = [name for name in HEADER if name != "merchant_id"] + ["merchant_id"]
    rows = good_rows()
    rows[20]["merchant_id"] = '"m1'
    return Spoilt(csv(folder, text(rows, names)))


@case("stopped", "cannot be read")
def truncated_gzip(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, gzip.compress(text(good_rows()).encode())[:-20], "data.csv.gz"))


@case("accepted")
def whole_gzip(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, gzip.compress(text(good_rows()).encode()), "data.csv.gz"))


@case("quarantined", "must have 7 fields")
def row_with_too_many_fields(folder: Path) -> Spoilt:
    lines = text(good_rows()).splitlines()
    lines[5] += ",more"
    return Spoilt(csv(folder, "\n".join(lines) + "\n"), rows=(5,))


@case("stopped", "begins with a mark of UTF-16")
def utf16(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()).encode("utf-16")))


@case("quarantined", "merchant_id: must be UTF-8 text")
def latin1_value(folder: Path) -> Spoilt:
    rows = good_rows()
    rows[10]["merchant_id"] = "Café"
    return Spoilt(csv(folder, text(rows).encode("latin-1")), rows=(11,))


@case("stopped", "cannot be read")
def latin1_header(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()).replace("amount", "prix_payé").encode("latin-1")))


@case("accepted")
def byte_order_mark(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, b"\xef\xbb\xbf" + text(good_rows()).encode()))


@case("accepted")
def windows_line_ends(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()).replace("\n", "\r\n")))


@case("accepted", "1 lines of the source begin no record")
def line_break_inside_a_value(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "merchant_id", '"two\nlines"')


@case("accepted", "2 lines of the source begin no record")
def blank_lines(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()) + "\n\n"))


@case("stopped", "is a ZIP archive, as new spreadsheets are")
def spreadsheet_named_csv(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, b"PK\x03\x04\x14\x00\x06\x00" + bytes(100)))


@case("stopped", "must be Parquet")
def csv_named_parquet(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()), "data.parquet"))


@case("stopped", "cannot be read")
def value_longer_than_memory_allows(folder: Path) -> Spoilt:
    rows = good_rows()
    rows[10]["merchant_id"] = "x" * (40 << 20)
    return Spoilt(csv(folder, text(rows)))


# Paths


@case("stopped", "is a folder")
def folder_as_source(folder: Path) -> Spoilt:
    return Spoilt(folder)


@case("stopped", "no file fits this pattern")
def pattern_without_files(folder: Path) -> Spoilt:
    return Spoilt(f"{folder}/*.csv")


@case("stopped", "is listed twice")
def same_file_by_two_names(folder: Path) -> Spoilt:
    path = csv(folder, text(good_rows()))
    return Spoilt([str(path), f"{folder}/../{folder.name}/data.csv"])


@case("stopped", "at least one file")
def empty_list(folder: Path) -> Spoilt:
    return Spoilt([])


@case("stopped", "must be a regular file")
def device(folder: Path) -> Spoilt:
    return Spoilt("/dev/zero")


@case("stopped", "must be a regular file")
def named_pipe(folder: Path) -> Spoilt:
    os.mkfifo(folder / "pipe.csv")
    return Spoilt(folder / "pipe.csv")


@case("stopped", "does not exist")
def link_to_itself(folder: Path) -> Spoilt:
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    return Spoilt(folder / "loop.csv")


@case("stopped", "must be a path")
def zero_byte_in_a_path(folder: Path) -> Spoilt:
    return Spoilt("data\0.csv")


@case("stopped", "must be a path, or an address that begins with s3://")
def address(folder: Path) -> Spoilt:
    return Spoilt("https://example.org/data.csv")


@case("stopped", "cannot be read")
def endless_name(folder: Path) -> Spoilt:
    return Spoilt("a" * 5000)


@case("accepted")
def name_that_looks_like_a_pattern(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()), "data[1].csv"))


@case("stopped", "data.preset must be")
def preset_outside_the_house(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())), {"preset": "../../etc/passwd"})


# Columns


@case("stopped", "missing: 'amount'")
def missing_column(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows(), [name for name in HEADER if name != "amount"])))


@case("stopped", "columns that nobody names: 'Amount'")
def renamed_column(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows()).replace("amount", "Amount")))


@case("accepted", "not in the source: card_id")
def missing_entity(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows(), [name for name in HEADER if name != "card_id"])))


@case("accepted", "'ignored': ['extra']")
def extra_column(folder: Path) -> Spoilt:
    rows = [row | {"extra": "x"} for row in good_rows()]
    return Spoilt(csv(folder, text(rows, [*HEADER, "extra"])))


@case("stopped", "got twice: 'amount'")
def column_given_twice(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows(), [*HEADER, "amount"])))


@case("stopped", "2 columns missing|3 columns missing")
def semicolons(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows(), delimiter=";")))


@case("stopped", "missing: 'country'")
def declared_column_that_is_not_there(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())), {"categorical": ["country"]})


@case("stopped", "must not be inputs")
def card_number_as_input(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())), {"categorical": ["card_id"]})


@case("stopped", "must hold plain values")
def nested_column(folder: Path) -> Spoilt:
    table = typed(frame())
    lists = pa.array([[1.0]] * ROWS)
    return Spoilt(parquet(folder, table.set_column(table.column_names.index("amount"), "amount", lists)))


@case("stopped", "must hold the same columns\n  in one of them only: 'card_id'")
def files_with_different_columns(folder: Path) -> Spoilt:
    csv(folder, text(good_rows()[:20]), "a.csv")
    csv(folder, text(good_rows()[20:], [name for name in HEADER if name != "card_id"]), "b.csv")
    return Spoilt(f"{folder}/*.csv")


@case("stopped", "must have one type in all files")
def files_with_different_types(folder: Path) -> Spoilt:
    parquet(folder, frame().assign(card_id=7))
    csv(folder, text(good_rows()).replace("\nt", "\nu"))
    return Spoilt(f"{folder}/*")


# Ids


@case("accepted", "'card_id': 2")
def blank_entities(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "card_id", "", "   ")


@case("quarantined", "transaction_id: must not be blank")
def blank_transaction_ids(folder: Path) -> Spoilt:
    return spoil(folder, "transaction_id", "", " ")


@case("accepted")
def leading_zeros(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "transaction_id", "0001", "1", "1.0", "1e3", "NA")


@case("quarantined", "merchant_id: must be text or integer")
def fractions_as_ids(folder: Path) -> Spoilt:
    values = [float(number % 5) for number in range(ROWS)]
    values[10:13] = [0.5, 2.0**60, float("inf")]
    return Spoilt(parquet(folder, frame().assign(merchant_id=values)), rows=(11, 12, 13))


@case("accepted")
def whole_floats_as_ids(folder: Path) -> Spoilt:
    return Spoilt(parquet(folder, frame().assign(merchant_id=[None, *(float(n % 5) for n in range(1, ROWS))])))


@case("quarantined", "an identical row came before")
def identical_duplicates(folder: Path) -> Spoilt:
    rows = good_rows()
    return Spoilt(csv(folder, text([*rows[:30], rows[10], rows[10], *rows[30:]])), rows=(31, 32))


@case("quarantined", "the rows with this id differ")
def conflicting_duplicates(folder: Path) -> Spoilt:
    return spoil_pair(folder, amount="99.00")


@case("quarantined", "disagree on the label")
def labels_that_disagree(folder: Path) -> Spoilt:
    return spoil_pair(folder, label="1")


@case("stopped", "share theirs with another row")
def one_id_for_all(folder: Path) -> Spoilt:
    rows = [row | {"transaction_id": "t"} for row in good_rows()]
    return Spoilt(csv(folder, text(rows)), {"max_quarantined_share": 0.1})


@case("accepted")
def formulas_as_names(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "merchant_id", "=HYPERLINK(A1)", "@SUM(A1)", "+1", "-1", "<script>alert(1)</script>")


# Amounts


@case("quarantined", "amount: must be a finite number ≥ 0")
def amounts_that_are_no_amounts(folder: Path) -> Spoilt:
    return spoil(folder, "amount", "-0.01", "-5", "NaN", "nan", "inf", "-inf", "1e400", "Infinity")


@case("quarantined", "amount: must be a number")
def amounts_that_are_no_numbers(folder: Path) -> Spoilt:
    return spoil(folder, "amount", "EUR 12,50", "$4.00", "12,50", "1,000.00", "1_000", "0x1F", "٣", "12.5.0", "ten")


@case("quarantined", "amount: must not be blank")
def blank_amounts(folder: Path) -> Spoilt:
    return spoil(folder, "amount", "", " ")


@case("quarantined", "amount: must be at most")
def amounts_beyond_exactness(folder: Path) -> Spoilt:
    return spoil(folder, "amount", "90071992547410.00", "1e300")


@case("accepted")
def zero_amounts(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "amount", "0", "0.00", "-0.0", "1e-400", ".5", "5.", "+5", "1e2")


@case("accepted", "'amounts_rounded': 3")
def amounts_finer_than_a_cent(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "amount", "0.125", "0.1250000000000000000001", "7.0049")


@case("stopped", "got text like 'EUR 99.99' in row 1 of data.csv")
def currency_everywhere(folder: Path) -> Spoilt:
    rows = [row | {"amount": f"EUR {row['amount']}"} for row in good_rows()]
    return Spoilt(csv(folder, text(rows)), {"max_quarantined_share": 0.1})


@case("quarantined", "amount: must be a number")
def currency_with_odd_thousands(folder: Path) -> Spoilt:
    rows = [row | {"amount": f"€ {row['amount'].replace('.', ',')}"} for row in good_rows()]
    for number, value in enumerate(("1.00,50 €", "1.000.5", "12.5"), start=10):
        rows[number]["amount"] = value
    keys = 'column = "amount"\ncurrency = "€"\nthousands = "."\ndecimal = ","'
    return Spoilt(
        csv(folder, text(rows, delimiter=";")), {"preset": semicolon_preset(folder, amount=keys)}, rows=(11, 12, 13)
    )


# Times


@case("quarantined", "event_time: must lie between")
def times_before_cards_and_after_all_of_us(folder: Path) -> Spoilt:
    return spoil(
        folder, "event_time", "1970-01-01T00:00:00Z", "1970-01-20T20:00:00Z", "2999-01-01T00:00:00Z", "9999-12-31"
    )


@case("quarantined", "must be a date and time")
def times_that_are_no_times(folder: Path) -> Spoilt:
    return spoil(
        folder, "event_time", "1711929600", "31/05/2024", "2024-02-30", "2024-03-01T24:00:00", "yesterday", "2024"
    )


@case("quarantined", "event_time: must not be blank")
def blank_times(folder: Path) -> Spoilt:
    return spoil(folder, "event_time", "")


@case("stopped", "event_time: must be a date and time")
def bare_integers_as_times(folder: Path) -> Spoilt:
    return Spoilt(parquet(folder, frame().assign(event_time=range(1_700_000_000, 1_700_000_000 + ROWS))))


@case("quarantined", "event_time: must lie between")
def milliseconds_among_seconds(folder: Path) -> Spoilt:
    return epochs(folder, "s", 1_710_000_000_000, 1_710_000_000_000_000, 0, 60)


@case("quarantined", "event_time: must lie between")
def seconds_and_microseconds_among_milliseconds(folder: Path) -> Spoilt:
    return epochs(folder, "ms", 1_710_000_000, 1_710_000_000_000_000)


@case("quarantined", "event_time: must be a number ≥ 0")
def negative_clock(folder: Path) -> Spoilt:
    return epochs(folder, "s", -1, -1_710_000_000)


@case("accepted", "'times_without_zone': 2")
def naive_and_zoned_times(folder: Path) -> Spoilt:
    return spoil_nothing(
        folder, "event_time", "2024-03-02 10:00:00", "2024-03-02T10:00:00.5", "2024-03-02T10:00:00-05:00"
    )


@case("quarantined", "must name one moment in Europe/Brussels")
def hour_that_the_clock_skips_or_repeats(folder: Path) -> Spoilt:
    rows = good_rows()
    for number, value in ((10, "2024-03-31 02:30:00"), (11, "2024-10-27 02:30:00")):
        rows[number]["event_time"] = value
    time = 'column = "event_time"\ntimezone = "Europe/Brussels"'
    return Spoilt(csv(folder, text(rows)), {"preset": preset(folder, event_time=time)}, rows=(11, 12))


@case("accepted", "'rows_after_as_of': 30")
def rows_after_as_of(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())), rows=tuple(range(11, ROWS + 1)), as_of="2024-03-01T17:00:00Z")


@case("stopped", "lie after it")
def nothing_before_as_of(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())), as_of="2024-01-01T00:00:00Z")


# Labels


@case("quarantined", "label_available_at: must not lie before event_time")
def label_before_the_transaction(folder: Path) -> Spoilt:
    return spoil(folder, "label_available_at", "2024-02-01T00:00:00Z", "1970-01-01T00:00:00Z")


@case("quarantined", "label: must be")
def labels_that_are_no_labels(folder: Path) -> Spoilt:
    return spoil(folder, "label", "2", "-1", "0.5", "fraud", "NA")


@case("accepted", "'unknown': 2")
def labels_not_known(folder: Path) -> Spoilt:
    return spoil_nothing(folder, "label", "", " ", "1.0", "true", "FALSE")


@case("quarantined", "label_available_at: must be a date and time")
def label_time_that_is_no_time(folder: Path) -> Spoilt:
    return spoil(folder, "label_available_at", "soon")


@case("accepted", "perhaps never labelled: 2024-04")
def month_that_nobody_labelled(folder: Path) -> Spoilt:
    times = pd.date_range("2024-03-01", "2024-04-30", periods=4000, tz="UTC").astype("datetime64[us, UTC]")
    fraud = [int(number % 40 == 0 and number < 2000) for number in range(4000)]
    table = pd.DataFrame({"event_time": times, "amount": 1.0, "label": fraud})
    return Spoilt(parquet(folder, table))


# Further columns and sizes


@case("quarantined", "score: must be")
def numbers_that_are_no_numbers(folder: Path) -> Spoilt:
    rows = [row | {"score": "1.5"} for row in good_rows()]
    for number, value in enumerate(("", "NA", "inf", "1e400", "high")):
        rows[8 + number]["score"] = value
    return Spoilt(csv(folder, text(rows, [*HEADER, "score"])), {"numeric": ["score"]}, rows=(11, 12, 13))


@case("accepted", "'accepted': 1000000")
def million_categories(folder: Path) -> Spoilt:
    number = pd.Series(range(1_000_000))
    times = pd.Timestamp("2024-03-01T00:00:00Z").as_unit("us") + pd.to_timedelta(number, unit="s").astype(
        "timedelta64[us]"
    )
    table = {"event_time": times, "amount": 1.0, "label": (number % 50 == 0).astype("int8"), "shop": number.astype(str)}
    return Spoilt(parquet(folder, pd.DataFrame(table)), {"categorical": ["shop"]})


@case("stopped", "rows cannot be used (25.0%)")
def too_many_bad_rows(folder: Path) -> Spoilt:
    spoilt = spoil(folder, "amount", *["-1"] * 10)
    return Spoilt(spoilt.source, {"max_quarantined_share": 0.2})


@case("stopped", "rows cannot be used (100.0%)")
def only_bad_rows(folder: Path) -> Spoilt:
    rows = [row | {"amount": "-1"} for row in good_rows()]
    return Spoilt(csv(folder, text(rows)), {"max_quarantined_share": 1.0})


# Settings


@case("stopped", "must hold a secret")
def hash_key_that_is_not_set(folder: Path) -> Spoilt:
    return Spoilt(csv(folder, text(good_rows())), {"hash_key_env": "HARBOR_TEST_NO_SUCH_KEY"})


@case("stopped", "2 faults in the preset")
def preset_with_unknown_keys(folder: Path) -> Spoilt:
    keys = preset(folder, amount='column = "amount"\nscal = 10', nonsense="x = 1")
    return Spoilt(csv(folder, text(good_rows())), {"preset": keys})


@case("stopped", "mine.toml")
def preset_that_is_no_toml(folder: Path) -> Spoilt:
    (folder / "mine.toml").write_text("[amount\n")
    return Spoilt(csv(folder, text(good_rows())), {"preset": str(folder / "mine.toml")})


def spoil_nothing(folder: Path, column: str, *values: str) -> Spoilt:
    return Spoilt(spoil(folder, column, *values).source)


def spoil_pair(folder: Path, **changes: str) -> Spoilt:
    """Row 31 repeats the id of row 11 with something changed."""
    rows = good_rows()
    twin = rows[10] | changes
    return Spoilt(csv(folder, text([*rows[:30], twin, *rows[30:]])), rows=(11, 31))


def semicolon_preset(folder: Path, **keys: str) -> str:
    path = Path(preset(folder, **keys))
    path.write_text('delimiter = ";"\n' + path.read_text())
    return str(path)


def epochs(folder: Path, unit: str, *values: int) -> Spoilt:
    """Times as integer steps since 1970, the first ones in the wrong unit."""
    steps = {"s": 1, "ms": 1_000}[unit]
    times = [(1_710_000_000 + number) * steps for number in range(ROWS)]
    times[10 : 10 + len(values)] = values
    table = pa.table({"event_time": times, "amount": [1] * ROWS, "label": [0] * ROWS})
    file = io.BytesIO()
    pq.write_table(table, file)
    keys = preset(folder, event_time=f'kind = "epoch"\ncolumn = "event_time"\nunit = "{unit}"')
    return Spoilt(
        csv(folder, file.getvalue(), "data.parquet"), {"preset": keys}, rows=tuple(range(11, 11 + len(values)))
    )
