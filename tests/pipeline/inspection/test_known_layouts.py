"""The public layouts, known without help."""

import pytest

from pipeline.inspection.known_layouts import known_layout
from pipeline.inspection.text_form import text_form
from pipeline.reading.sources import source_files
from tests.fixtures.ingested import PRESETS

LAYOUTS = {
    "baf": ("baf.csv",),
    "banksim": ("banksim.csv",),
    "handbook": ("handbook.csv",),
    "harbor": ("harbor.csv",),
    "harbor_chargebacks": ("feed_chargebacks.csv", "feed_transactions.csv"),
    "ieee_cis": ("ieee_cis_identity.csv", "ieee_cis_transaction.csv"),
    "paysim": ("paysim.csv",),
    "sparkov": ("sparkov.csv",),
    "tabformer": ("tabformer.csv",),
    "ulb": ("ulb.csv",),
}


def layout_of(*paths):
    files = source_files(tuple(map(str, paths)))
    return known_layout(files, text_form(files[0]))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_public_file_is_known(name):
    assert layout_of(*(PRESETS / file for file in LAYOUTS[name])) == name


@pytest.mark.parametrize(
    ("file", "name"),
    [("paysim_2.csv", "paysim"), ("ieee_cis_transaction.csv", "ieee_cis"), ("feed_transactions.csv", None)],
)
def test_another_version_is_known_and_a_part_that_is_not_enough_is_not(file, name):
    assert layout_of(PRESETS / file) == name


def test_the_names_alone_do_not_make_a_layout(tmp_path):
    text = (PRESETS / "handbook.csv").read_text().replace("2018-04-01 00:", "01.04.18 um ")
    (tmp_path / "a.csv").write_text(text)
    assert layout_of(tmp_path / "a.csv") is None


def test_another_sign_between_the_fields_does_not(tmp_path):
    (tmp_path / "a.csv").write_text((PRESETS / "handbook.csv").read_text().replace(",", ";"))
    assert layout_of(tmp_path / "a.csv") is None


def test_a_file_whose_columns_are_mostly_unknown_is_looked_at_by_itself(tmp_path):
    lines = (PRESETS / "harbor.csv").read_text().splitlines()
    further = "," + ",".join(f"further_{number}" for number in range(12))
    (tmp_path / "a.csv").write_text("\n".join([lines[0] + further, *(line + "," * 12 for line in lines[1:])]) + "\n")
    assert layout_of(tmp_path / "a.csv") is None
