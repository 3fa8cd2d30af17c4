"""A draft holds what was found, with a reason above each choice, and loads with the loader of presets."""

import tomllib

import pytest

from features.schema.preset import preset_from_dict
from pipeline.inspection.interview import Interview
from pipeline.inspection.preset_draft import preset_draft
from pipeline.inspection.row_sample import row_sample
from pipeline.inspection.text_form import text_form
from pipeline.inspection.toml_text import toml_text
from pipeline.reading.sources import source_files
from tests.fixtures.messy_exports import EXPORTS, card_number


def drafted(name, folder):
    files = source_files(str(EXPORTS[name](folder).path))
    form = text_form(files[0])
    return preset_draft(row_sample(files, form), form, Interview(), of="export.csv")


@pytest.mark.parametrize("name", EXPORTS)
def test_every_draft_is_a_preset(name, tmp_path):
    draft = drafted(name, tmp_path)
    preset = preset_from_dict(tomllib.loads(toml_text(draft.sections)))
    assert tuple(preset.entities) == draft.entities


def test_every_choice_has_its_reason_above_it(tmp_path):
    draft = drafted("semicolons_decimal_commas_and_report_dates", tmp_path)
    bare = {each.header for each in draft.sections if not each.comments}
    assert bare == {"", "[categorical]"}


def test_no_value_of_a_row_stands_in_a_draft(tmp_path):
    text = toml_text(drafted("card_numbers_without_a_name", tmp_path).sections)
    assert not any(card_number(card) in text for card in range(300))
    text = toml_text(drafted("words_for_labels_and_chargeback_dates_of_frauds", tmp_path).sections)
    assert "mail.example" not in text


def test_columns_that_are_not_read_are_told_in_a_comment(tmp_path):
    text = toml_text(drafted("milliseconds_and_two_times", tmp_path).sections)
    assert "# not read, further times: 'settlement_time'" in text
