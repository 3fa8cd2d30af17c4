"""The built wheel alone is enough: presets, configurations and templates travel in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FROM_WHEEL = """
import sys
sys.path.insert(0, sys.argv[1])
import pipeline
assert pipeline.__file__.startswith(sys.argv[1]), pipeline.__file__
from pipeline.config import load_config
from pipeline.stages.ingest.preset_files import load_preset, preset_path
config = load_config("smoke.toml", environment={})
assert str(preset_path("ulb")).startswith(sys.argv[1])
print(load_preset(config.data).description)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("harbor_fraud-*.whl"))


def test_the_wheel_carries_presets_configurations_and_templates(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    presets = {f"pipeline/presets/{path.name}" for path in (ROOT / "data" / "presets").glob("*.toml")}
    configs = {f"pipeline/configs/{path.name}" for path in (ROOT / "pipeline" / "configs").glob("*.toml")}
    templates = {
        f"evaluation/render/templates/{path.name}" for path in (ROOT / "evaluation" / "render" / "templates").iterdir()
    }
    assert presets | configs | templates <= names
    assert len(presets) >= 9


def test_the_wheel_carries_the_licence_and_shows_the_readme(wheel):
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    text = archive.read(metadata).decode()
    assert "License-File: LICENSE\n" in text
    assert text.endswith((ROOT / "README.md").read_text(encoding="utf-8"))
    licence = metadata.replace("METADATA", "licenses/LICENSE")
    assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_a_configuration_and_a_preset_are_found_from_the_wheel(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    result = subprocess.run(
        [sys.executable, "-c", FROM_WHEEL, str(site)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "harbor simulate" in result.stdout
