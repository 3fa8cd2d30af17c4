"""Further files as teams really have them, each with what must come out: what is unusual lies in the file itself.

Compressions, encodings, clocks, zones, several files of one delivery, names of columns, types of a table library. They
stand in the same list as the others and are held against the same good rows.
"""

import bz2
import gzip
import lzma
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracles.bad_input import HEADER, ROWS, csv, frame, good_rows, text, typed
from tests.oracles.real_files import ALL, RealFile, keys, kind, moments, rows_with, spelled

CONTENT = text(good_rows()).encode()


def typed_with(folder: Path, **columns: pa.Array) -> Path:
    """The good rows as Parquet, some columns with values and types of their own."""
    table = typed(frame())
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    pq.write_table(table, folder / "rows.parquet")
    return folder / "rows.parquet"


# Bytes and lines


@kind("K3")
def text_packed_with_zstd(folder: Path) -> RealFile:
    return RealFile(csv(folder, pa.Codec("zstd").compress(CONTENT, asbytes=True), "rows.csv.zst"))


@kind("K3")
def text_packed_with_zstd_in_two_pieces(folder: Path) -> RealFile:
    pieces = [pa.Codec("zstd").compress(piece, asbytes=True) for piece in (CONTENT[:700], CONTENT[700:])]
    return RealFile(csv(folder, b"".join(pieces), "rows.csv.zst"))


@kind("K3")
def text_packed_with_bzip2_under_another_name(folder: Path) -> RealFile:
    return RealFile(csv(folder, bz2.compress(CONTENT), "rows.csv"))


@kind("K3")
def text_packed_with_xz(folder: Path) -> RealFile:
    return RealFile(csv(folder, lzma.compress(CONTENT), "rows.csv.xz"))


@kind("K3")
def text_packed_with_zstd_and_cut(folder: Path) -> RealFile:
    packed = pa.Codec("zstd").compress(CONTENT, asbytes=True)
    return RealFile(csv(folder, packed[:-20], "rows.csv.zst"), stopped="cannot be read")


@kind("K3")
def text_packed_with_xz_and_cut(folder: Path) -> RealFile:
    return RealFile(csv(folder, lzma.compress(CONTENT)[:-20], "rows.csv.xz"), stopped="cannot be read")


@kind("K3")
def text_packed_twice(folder: Path) -> RealFile:
    path = csv(folder, gzip.compress(gzip.compress(CONTENT)), "rows.csv.gz")
    return RealFile(path, stopped="but is compressed twice")


@kind("K3")
def text_packed_as_nobody_reads_it(folder: Path) -> RealFile:
    return RealFile(csv(folder, b"\x04\x22\x4d\x18" + CONTENT, "rows.csv.lz4"), stopped="but is compressed with LZ4")


@kind("K3")
def a_web_page_that_says_no(folder: Path) -> RealFile:
    path = csv(folder, "<!DOCTYPE html>\n<html><body>Access denied</body></html>\n", "rows.csv")
    return RealFile(path, stopped="but is a web page")


@kind("K3")
def another_table_format(folder: Path) -> RealFile:
    return RealFile(csv(folder, b"Obj\x01\x04\x14avro" + CONTENT, "rows.avro"), stopped="but is Avro")


@kind("K3")
def two_bytes_a_letter_without_a_mark(folder: Path) -> RealFile:
    path = csv(folder, text(good_rows()).encode("utf-16-le"))
    return RealFile(path, stopped='looks like UTF-16-LE: say encoding = "utf-16-le" in the preset')


@kind("K3")
def two_bytes_a_letter_without_the_mark_that_the_encoding_has(folder: Path) -> RealFile:
    path = csv(folder, text(good_rows()).encode("utf-16-be"))
    return RealFile(path, keys(folder, 'encoding = "utf-16"\n'), stopped='say encoding = "utf-16-be" in the preset')


@kind("K3")
def one_byte_a_letter_where_two_are_said(folder: Path) -> RealFile:
    settings = keys(folder, 'encoding = "utf-16"\n')
    return RealFile(csv(folder, text(good_rows())), settings, stopped='say encoding = "utf-8" in the preset')


@kind("K3")
def a_mark_of_utf_8_where_another_encoding_is_said(folder: Path) -> RealFile:
    settings = keys(folder, 'encoding = "cp1252"\n')
    return RealFile(csv(folder, b"\xef\xbb\xbf" + CONTENT), settings, stopped="begins with a mark of UTF-8")


@kind("K1")
def line_ends_of_three_systems(folder: Path) -> RealFile:
    ends = ("\n", "\r\n", "\r")
    lines = [line + ends[n % 3] for n, line in enumerate(text(good_rows()).splitlines())]
    return RealFile(csv(folder, "".join(lines)))


@kind("K1")
def a_sum_below_the_rows(folder: Path) -> RealFile:
    path = csv(folder, text(good_rows()) + "TOTAL,,,,1190.00,,\n")
    return RealFile(path, rejected=(41,), told="no random sample, but large amounts")


@kind("K1")
def the_header_again_among_the_rows(folder: Path) -> RealFile:
    lines = text(good_rows()).splitlines()
    return RealFile(csv(folder, "\n".join([*lines[:21], lines[0], *lines[21:]]) + "\n"), rejected=(21,), same=())


@kind("K11")
def json_objects_on_several_lines(folder: Path) -> RealFile:
    path = csv(folder, '{\n "transaction_id": "t1",\n "amount": 1\n}\n', "rows.json")
    return RealFile(path, stopped="must be JSON lines, one whole object on each")


@kind("K11")
def tabs_that_nobody_named(folder: Path) -> RealFile:
    path = csv(folder, text(good_rows(), delimiter="\t"))
    return RealFile(path, stopped=r"delimiter = '\t' in the preset would make 7 of it")


# Names of columns


@kind("K8")
def a_column_that_may_be_absent_in_another_case(folder: Path) -> RealFile:
    path = csv(folder, text(good_rows()).replace("card_id", "Card-ID"))
    return RealFile(path, stopped="'card_id': the file has 'Card-ID'")


@kind("K8")
def a_column_with_a_sign_that_nobody_sees(folder: Path) -> RealFile:
    path = csv(folder, "\u200b" + text(good_rows()))
    return RealFile(path, stopped="'transaction_id': the file has")


# Clocks


def counted(folder: Path, steps: int) -> Path:
    rows = rows_with(event_time=lambda row, t: int(t.timestamp()) * steps)
    return csv(folder, text(rows))


def clock(unit: str) -> str:
    return f'kind = "epoch"\ncolumn = "event_time"\nunit = "{unit}"'


@kind("K3")
def nanoseconds_by_name(folder: Path) -> RealFile:
    return RealFile(counted(folder, 10**9), keys(folder, event_time=clock("ns")))


@kind("K3")
def nanoseconds_read_as_seconds(folder: Path) -> RealFile:
    settings = keys(folder, event_time=clock("s"))
    return RealFile(counted(folder, 10**9), settings, stopped="unit = 'ns' in the preset would read it")


@kind("K3")
def milliseconds_read_as_microseconds(folder: Path) -> RealFile:
    settings = keys(folder, event_time=clock("us"))
    return RealFile(counted(folder, 10**3), settings, stopped="unit = 'ms' in the preset would read it")


@kind("K3")
def label_times_in_another_unit(folder: Path) -> RealFile:
    path = spelled(folder, label_available_at=lambda row, t: int(t.timestamp() + 10**6) * 10**9)
    label = clock("ms").replace("event_time", "label_available_at")
    return RealFile(path, keys(folder, label_available_at=label), stopped="unit = 'ns' in the preset would read it")


@kind("K4")
def seconds_that_a_spreadsheet_shortened(folder: Path) -> RealFile:
    path = spelled(folder, {1: "1.7093E+09"}, event_time=lambda row, t: f"{t.timestamp():.9e}")
    return RealFile(path, keys(folder, event_time=clock("s")), rejected=(1,))


@kind("K4")
def seconds_in_single_precision(folder: Path) -> RealFile:
    path = typed_with(folder, event_time=pa.array(np.float32([t.timestamp() for t in moments()])))
    return RealFile(path, keys(folder, event_time=clock("s")), stopped="kept in single precision")


@kind("K3")
def days_read_as_months(folder: Path) -> RealFile:
    path = spelled(folder, event_time=lambda row, t: f"{t:%d/%m/%Y %H:%M:%S}")
    time = 'column = "event_time"\nformats = ["%m/%d/%Y %H:%M:%S"]'
    told = "of 1 day of the month (3) in 2 months: do the formats have day and month the right way round?"
    settings = keys(folder, event_time=time, label_available_at='column = "no_such_column"')
    return RealFile(path, settings, same=(), told=told)


# Zones


@kind("K11")
def a_zone_beside_each_time(folder: Path) -> RealFile:
    shifts = {"Europe/Brussels": 1, "America/New_York": -5, "+05:30": 5.5, "UTC": 0}
    names = [list(shifts)[n % 4] for n in range(ROWS)]

    def local(t: datetime, name: str) -> str:
        return f"{datetime.fromtimestamp(t.timestamp() + shifts[name] * 3600, t.tzinfo):%Y-%m-%d %H:%M:%S}"

    rows = [
        row | {"event_time": local(t, name), "tz": name}
        for row, t, name in zip(good_rows(), moments(), names, strict=True)
    ]
    rows[6]["tz"], rows[7]["tz"] = "Mars/Olympus", ""
    settings = keys(folder, event_time='column = "event_time"\nzone = "tz"')
    return RealFile(csv(folder, text(rows, [*HEADER, "tz"])), settings, rejected=(7, 8))


@kind("K11")
def a_zone_beside_each_time_that_nobody_named(folder: Path) -> RealFile:
    rows = rows_with(event_time=lambda row, t: f"{t:%Y-%m-%d %H:%M:%S}", tz=lambda row, t: "Europe/Brussels")
    path = csv(folder, text(rows, [*HEADER, "tz"]))
    return RealFile(path, told="event_time.zone = 'tz' in the preset reads it")


# Several files of one delivery


@kind("K9")
def columns_in_another_order(folder: Path) -> RealFile:
    csv(folder, text(good_rows()[:20]), "a.csv")
    csv(folder, text(good_rows()[20:], HEADER[::-1]), "b.csv")
    return RealFile(f"{folder}/*.csv")


@kind("K9")
def an_empty_file_among_many(folder: Path) -> RealFile:
    csv(folder, text(good_rows()), "a.csv")
    csv(folder, "", "b.csv")
    return RealFile(f"{folder}/*.csv", stopped="b.csv: is empty")


@kind("K9")
def a_second_file_in_cents(folder: Path) -> RealFile:
    rows = [row | {"transaction_id": f"{n}-{row['transaction_id']}"} for n in range(30) for row in good_rows()]
    cents = [
        row | {"transaction_id": f"c{row['transaction_id']}", "amount": row["amount"].replace(".", "")} for row in rows
    ]
    csv(folder, text(rows), "a.csv")
    csv(folder, text(cents), "b.csv")
    return RealFile(f"{folder}/*.csv", same=(), told="are all files in one unit?")


# Amounts


@kind("K11")
def thousands_by_apostrophes(folder: Path) -> RealFile:
    path = spelled(folder, {3: "1'234.50"}, amount=lambda row, t: row["amount"])
    return RealFile(path, rejected=(3,), told="thousands =")


@kind("K11")
def thousands_and_lakhs(folder: Path) -> RealFile:
    path = spelled(folder, {3: '"1,23,456.50"'}, amount=lambda row, t: row["amount"])
    settings = keys(folder, amount='column = "amount"\nthousands = ","')
    return RealFile(path, settings, same=("event_time", "label"), values={"amount": {2: 11.25, 3: 123456.5}})


@kind("K11")
def points_between_thousands(folder: Path) -> RealFile:
    path = spelled(folder, amount=lambda row, t: f"{float(row['amount']) / 10:.3f}")
    return RealFile(path, same=("event_time", "label"), told="where their point separates thousands")


@kind("K11")
def payments_with_the_minus(folder: Path) -> RealFile:
    settings = keys(folder, amount='column = "amount"\nrefund = "is_refund"')
    path = spelled(folder, amount=lambda row, t: f"-{row['amount']}")
    return RealFile(path, settings, told="do payments have the minus in this feed?")


# Types of table libraries


@kind("K6")
def labels_that_a_data_frame_left_out(folder: Path) -> RealFile:
    labels: list[float] = [float(row["label"]) for row in good_rows()]
    labels[38:] = [np.nan, np.nan]
    values: dict[str, dict[int, Any]] = {"label": {5: 1, 39: None, 40: None}}
    path = typed_with(folder, label=pa.array(labels))
    return RealFile(path, same=("event_time", "amount"), values=values)


@kind("K4")
def cards_in_single_precision(folder: Path) -> RealFile:
    cards = np.float32([4539578763621486 + n for n in range(ROWS)])
    path = typed_with(folder, card_id=pa.array(cards))
    return RealFile(path, rejected=ALL, stopped="a float cannot hold it exactly")


@kind("K6")
def times_of_nanoseconds_in_another_zone(folder: Path) -> RealFile:
    stamps = pa.array([int(t.timestamp()) * 10**9 for t in moments()], pa.timestamp("ns", "America/New_York"))
    return RealFile(typed_with(folder, event_time=stamps))


@kind("K6")
def amounts_of_seventy_digits_and_labels_as_words(folder: Path) -> RealFile:
    amounts = pa.array([row["amount"] for row in good_rows()]).cast(pa.decimal256(60, 20))
    labels = pa.array(["True" if row["label"] == "1" else "False" for row in good_rows()], pa.large_string())
    return RealFile(typed_with(folder, amount=amounts, label=labels))


@kind("K6")
def lists_in_the_place_of_ids(folder: Path) -> RealFile:
    path = typed_with(folder, card_id=pa.array([[row["card_id"]] for row in good_rows()]))
    return RealFile(path, stopped="'card_id': must hold plain values, got list")


@kind("K4")
def joined_keys_that_are_blank(folder: Path) -> RealFile:
    rows = good_rows()
    main = csv(folder, text([row | {"ref": row["transaction_id"] if n % 2 else ""} for n, row in enumerate(rows)],
                            [*HEADER[:5], "ref"]), "rows.csv")  # fmt: skip
    beside = [f"{row['transaction_id']},{row['label']}" for row in rows[1::2]] + [",1", ",0"]
    csv(folder, "\n".join(["ref,label", *beside]) + "\n", "side.csv")
    settings = keys(folder, join='files = "side*"\non = "ref"')
    values: dict[str, dict[int, Any]] = {"label": {1: None, 2: 0, 5: None, 18: 1}}
    return RealFile(
        [str(main), str(folder / "side.csv")],
        settings,
        same=("event_time", "amount"),
        values=values,
        told="2 rows of the joined file have no key and were left out",
    )
