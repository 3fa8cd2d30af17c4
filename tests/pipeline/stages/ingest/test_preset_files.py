import numpy as np
import pytest

from pipeline.sections import DataConfig
from pipeline.stages.ingest.preset_files import keep_preset, load_preset, load_rates, preset_path
from pipeline.storage.errors import InputError


def test_a_shipped_preset_is_found_by_its_name():
    assert preset_path("sparkov").name == "sparkov.toml"


def test_a_preset_of_ones_own_is_found_by_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(preset_path("harbor").read_text())
    assert preset_path(str(path)) == path
    assert load_preset(DataConfig(preset=str(path))) == load_preset(DataConfig(preset="harbor"))


def test_columns_of_section_data_are_added_to_those_of_the_preset():
    plain = load_preset(DataConfig(preset="harbor"))
    wider = load_preset(DataConfig(preset="harbor", categorical=["terminal"], numeric=["height"]))
    assert len(wider.categorical) == len(plain.categorical) + 1
    assert len(wider.numeric) == len(plain.numeric) + 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("harbour", r"data\.preset must be one of .*harbor.*, got 'harbour'"),
        ("./none.toml", r"path of a \.toml file that exists, got '\./none\.toml'"),
        ("./data.csv", r"path of a \.toml file that exists"),
    ],
)
def test_a_preset_that_does_not_exist_is_refused(name, said):
    with pytest.raises(InputError, match=said):
        preset_path(name)


@pytest.mark.parametrize("content", ["[amount", '[amount]\ncolour = "x"\n'])
def test_a_preset_with_faults_is_refused_by_its_path(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=r"mine\.toml: "):
        load_preset(DataConfig(preset=str(path)))


def with_rates(folder, content):
    (folder / "mine.toml").write_text(
        '[event_time]\ncolumn = "t"\n[amount]\ncolumn = "a"\n[label]\ncolumn = "l"\n'
        '[currency]\ncolumn = "c"\ntarget = "EUR"\nrates = "tables/rates.csv"\n'
    )
    (folder / "tables").mkdir()
    (folder / "tables" / "rates.csv").write_text(content)
    data = DataConfig(preset=str(folder / "mine.toml"))
    return load_rates(data, load_preset(data))


def test_rates_lie_beside_the_preset_and_hold_from_their_day_on(tmp_path):
    rates = with_rates(tmp_path, "date,currency,rate\n2024-02-01,USD,0.9\n2024-01-01,USD,0.8\n")
    assert rates.on("USD", np.array([19722, 19723, 19754])).tolist()[1:] == [0.8, 0.9]
    assert np.isnan(rates.on("USD", np.array([19722]))[0])


def test_rates_without_a_date_hold_always(tmp_path):
    assert with_rates(tmp_path, "currency,rate\nUSD,0.9\n").on("USD", np.array([-7000, 30000])).tolist() == [0.9, 0.9]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("currency,price\nUSD,1\n", "must have the columns currency and rate"),
        ("currency,rate\nUSD,4929 1234\n", "cannot be read as CSV of currency, rate and date"),
        ("currency,rate\nUSD,\n", "every rate must be a number above 0, got none for USD in row 1$"),
    ],
)
def test_a_table_that_is_none_of_rates_is_refused_by_its_path_and_without_its_values(tmp_path, content, said):
    with pytest.raises(InputError, match=rf"rates\.csv: {said}") as refused:
        with_rates(tmp_path, content)
    assert "4929" not in str(refused.value)


def test_a_preset_without_a_currency_has_no_rates():
    assert load_rates(DataConfig(), load_preset(DataConfig())) is None


@pytest.mark.parametrize("place", ["r/rates.csv", "../rates.csv", "{0}/far/rates.csv"])
def test_a_run_keeps_its_preset_and_its_rates_wherever_they_were(tmp_path, place):
    path, named = tmp_path / "mine" / "mine.toml", place.format(tmp_path)
    path.parent.mkdir()
    (path.parent / named).parent.mkdir(parents=True, exist_ok=True)
    (path.parent / named).write_text("currency,rate\nUSD,0.9\n")
    currency = f'\n[currency]\ncolumn = "ccy"\ntarget = "EUR"\nrates = "{named}"\n'
    path.write_text(preset_path("harbor").read_text() + currency)
    keep_preset(DataConfig(preset=str(path)), tmp_path / "kept")
    (path.parent / named).unlink()
    kept = DataConfig(preset=str(tmp_path / "kept" / "preset.toml"))
    assert load_rates(kept, load_preset(kept)) is not None
    assert sorted(each.name for each in (tmp_path / "kept").iterdir()) == ["preset.kept-rates.csv", "preset.toml"]
