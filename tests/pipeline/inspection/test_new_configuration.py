"""From a file that nobody described to a configuration that reads it: right or asked about, never silently wrong."""

import tomllib

import pyarrow.compute as pc
import pytest

from features.split import LabelsConfig
from pipeline.config import load_config
from pipeline.inspection.ingested_data import ingested_data
from pipeline.inspection.interview import Interview
from pipeline.inspection.new_configuration import (
    configuration_name,
    new_configuration,
    said_of,
    write_configuration,
)
from pipeline.inspection.opened_data import opened_data
from pipeline.reading.sources import source_files
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import PRESETS
from tests.fixtures.messy_exports import EXPORTS, ROWS, card_number
from tests.fixtures.source_files import source


def looked(tree, place):
    for key in place.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def preset_of(new):
    return tomllib.loads(next(text for path, text in new.files.items() if path.name.endswith(".preset.toml")))


@pytest.fixture(params=EXPORTS)
def made(request, tmp_path):
    export, interview = EXPORTS[request.param](tmp_path), Interview()
    return export, new_configuration([str(export.path)], tmp_path / "out", interview), interview


def test_every_field_is_right_or_asked_about(made):
    export, new, interview = made
    asked = {question.about for question in interview.open}
    preset = preset_of(new)
    wrong = {place for place, value in export.truth.items() if looked(preset, place) != value}
    assert not {place for place in wrong if not any(place.startswith(about) for about in asked)}
    assert asked == export.asked


def test_what_is_written_reads_every_row(made):
    _, new, _ = made
    write_configuration(new, force=False)
    for rates in (new.config.parent).glob("*.rates.csv"):
        rates.write_text(rates.read_text().replace("USD,\n", "USD,0.92\n"))
    report = ingested_data(load_config(str(new.config), environment={}), as_of=None).report
    assert (report.accepted, report.quarantined) == (ROWS, 0)


def test_the_folds_that_are_written_fit(made):
    _, new, _ = made
    write_configuration(new, force=False)
    for rates in (new.config.parent).glob("*.rates.csv"):
        rates.write_text(rates.read_text().replace("USD,\n", "USD,0.92\n"))
    data = opened_data(load_config(str(new.config), environment={}), as_of=None)
    assert min(fold.usable[1] for fold in data.labelled.folds.folds) > 0


@pytest.mark.parametrize("name", ["baf", "banksim", "handbook", "harbor", "paysim", "sparkov", "tabformer", "ulb"])
def test_a_public_file_takes_the_preset_that_is_shipped(name, tmp_path):
    new = new_configuration([str(PRESETS / f"{name}.csv")], tmp_path, Interview())
    assert new.preset == name
    assert [path.name for path in new.files] == [f"{name}.toml"]
    assert new.data.report.quarantined == 0


def test_answers_take_the_place_of_guesses(tmp_path):
    answers = {
        "entities.card_id": "f2",
        "entities.merchant_id": "f3",
        "label": "f5",
        "amount": "f4",
        "labels.delay": "4d",
    }

    def answer(question):
        return "N" if "means fraud" in question.text else answers.get(question.about, question.default)

    export = EXPORTS["names_that_say_nothing"](tmp_path)
    new = new_configuration([str(export.path)], tmp_path, Interview(answer))
    assert {place for place, value in export.truth.items() if looked(preset_of(new), place) != value} == set()
    assert tomllib.loads(new.files[new.config])["labels"]["delay"] == "4d"
    assert "# check:" not in "".join(text.partition("\n")[2] for text in new.files.values())


def test_no_value_of_a_row_is_said_or_written(tmp_path):
    export, interview = EXPORTS["card_numbers_without_a_name"](tmp_path), Interview()
    new = new_configuration([str(export.path)], tmp_path, interview)
    everything = "\n".join([*said_of(new, interview), *new.files.values()])
    assert not any(card_number(card) in everything for card in range(300))


def test_what_is_there_is_written_over_only_by_force(tmp_path):
    export = EXPORTS["latin_letters"](tmp_path)
    new = new_configuration([str(export.path)], tmp_path / "out", Interview())
    write_configuration(new, force=False)
    new.config.write_text("mine")
    with pytest.raises(InputError, match="is there already; --force"):
        write_configuration(new, force=False)
    assert new.config.read_text() == "mine"
    write_configuration(new, force=True)
    assert new.config.read_text() == new.files[new.config]


@pytest.mark.parametrize("there", ["export.toml", "export.preset.toml"])
def test_nothing_is_asked_where_the_answers_could_not_be_written(tmp_path, there):
    def refusing(question):
        raise AssertionError(f"asked {question.text}")

    path = EXPORTS["tabs_and_american_times"](tmp_path).path
    (tmp_path / there).write_text("mine")
    with pytest.raises(InputError, match=rf"{there}: is there already; --force"):
        new_configuration([str(path)], tmp_path, Interview(refusing))
    with pytest.raises(AssertionError, match="asked"):
        new_configuration([str(path)], tmp_path, Interview(refusing), force=True)


def test_a_file_that_ingest_refuses_is_described_all_the_same(tmp_path):
    text = "transaction_time,card_id,amount,is_fraud\n" + "".join(
        f"2024-01-{1 + row % 28:02d}T10:00:00Z,c{row % 9},{row}.5,0\n" for row in range(300)
    )
    text += "".join(f"soon,c1,{row}.5,1\n" for row in range(2))
    path = source(tmp_path, text).path
    interview = Interview()
    new = new_configuration([str(path)], tmp_path / "out", interview)
    assert new.data is None
    assert "frauds would be lost" in new.refusal
    assert any("as it stands, the files are refused" in line for line in said_of(new, interview))


def test_a_day_of_a_report_ends_where_its_transaction_happened(tmp_path):
    def answer(question):
        return "America/New_York" if "time zone" in question.text else question.default

    path = EXPORTS["semicolons_decimal_commas_and_report_dates"](tmp_path).path
    new = new_configuration([str(path)], tmp_path / "out", Interview(answer))
    write_configuration(new, force=False)
    rows = ingested_data(load_config(str(new.config), environment={}), as_of=None).transactions
    known = rows.filter(pc.equal(rows["label"], 1))["label_available_at"]
    assert set(pc.hour(known).to_pylist()) == {3, 4}


def test_a_rate_that_is_missing_is_the_next_thing_to_do_and_ingest_says_the_same(tmp_path):
    interview = Interview()
    new = new_configuration([str(EXPORTS["two_currencies_and_refunds"](tmp_path).path)], tmp_path / "out", interview)
    write_configuration(new, force=False)
    rates = tmp_path / "out" / "export.rates.csv"
    assert f"next    fill in the rate of USD in {rates}, without it the files are refused" in said_of(new, interview)
    config = load_config(str(new.config), environment={})
    with pytest.raises(InputError, match=rf"{rates}: every rate must be a number above 0, got none for USD in row 2$"):
        ingested_data(config, as_of=None)


def test_what_is_refused_is_called_by_the_name_it_has_and_nothing_is_next_but_to_mend_it(tmp_path):
    def answer(question):
        return "0.9,1" if question.about == "currency" else question.default

    interview = Interview(answer)
    new = new_configuration([str(EXPORTS["two_currencies_and_refunds"](tmp_path).path)], tmp_path / "out", interview)
    said = "\n".join(said_of(new, interview))
    assert "the files are refused: export.rates.csv: " in said
    assert said.endswith(f"next    mend what is refused, then harbor check --config {new.config}")


@pytest.mark.parametrize(
    ("name", "configuration"), [("Export März (2).csv", "Export-M-rz-2"), ("4539578763621486.csv", "transactions")]
)
def test_a_configuration_is_called_like_its_file_but_never_like_a_card(tmp_path, name, configuration):
    (tmp_path / name).write_text("a,b\n1,2\n")
    assert configuration_name(source_files(str(tmp_path / name))[0]) == configuration


def test_labels_without_a_time_do_not_borrow_the_default_delay(tmp_path):
    assert LabelsConfig().delay > 0
    export = EXPORTS["latin_letters"](tmp_path)
    data = new_configuration([str(export.path)], tmp_path, Interview()).data
    assert data.transactions["label_available_at"].equals(data.transactions["event_time"])
