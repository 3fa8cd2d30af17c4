"""How a text file is written, told from its bytes."""

import gzip

import pytest

from pipeline.inspection.text_form import TextForm, delimiter_of, text_form
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source

LINES = "id{0}amount{0}city\n1{0}2,5{0}Café\n2{0}3,75{0}Gent\n"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_sign_between_the_fields_is_found_though_amounts_hold_commas(tmp_path, delimiter):
    assert text_form(source(tmp_path, LINES.format(delimiter))).delimiter == delimiter


def test_commas_inside_quotes_part_nothing():
    assert delimiter_of(['name;"a,b,c"', '"x,y";2', "z;3"]) == ";"


def test_a_file_of_one_column_has_the_usual_sign():
    assert delimiter_of(["amount", "1", "2"]) == ","


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("latin-1", "cp1252"), ("utf-16", "utf-16")]
)
def test_the_encoding_reads_back_what_was_written(tmp_path, encoding, told):
    form = text_form(source(tmp_path, LINES.format(";").encode(encoding)))
    assert form == TextForm(";", told)
    assert "Café" in (tmp_path / "data.csv").read_bytes().decode(form.encoding)


def test_a_letter_far_behind_the_head_decides_as_well(tmp_path):
    many = "a;b\n" + "1;2\n" * 600_000
    assert text_form(source(tmp_path, (many + "é;1\n").encode("latin-1"))).encoding == "cp1252"


def test_a_zipped_file_is_looked_into(tmp_path):
    content = gzip.compress(LINES.format("|").encode())
    assert text_form(source(tmp_path, content, "data.csv.gz")).delimiter == "|"


@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: packed[:30] + b"\0" + packed[31:]])
def test_a_damaged_compressed_file_is_refused_by_its_name(tmp_path, damage):
    content = gzip.compress("".join(f"{row};{row * 7919 % 10_007}\n" for row in range(2_000)).encode())
    with pytest.raises(InputError, match="cannot be read, "):
        text_form(source(tmp_path, damage(content)))
