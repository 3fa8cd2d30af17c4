import pytest

from pipeline.sections import DataConfig
from pipeline.stages.ingest.preset_files import load_preset, preset_path
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
